package eval

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
)

// SAEBenchInfo is what a SAEBench result says beside the figures. Empty
// strings become null, or "unknown" where the schema wants a string.
type SAEBenchInfo struct {
	ID      string         // of this result; a UUID in SAEBench's own
	Millis  int64          // since the Unix epoch
	Release string         // sae_lens_release_id
	SAE     string         // sae_lens_id
	Config  map[string]any // sae_cfg_dict
	Model   string         // model_name of eval_config
	Dataset string
}

// FileName is the name that SAEBench gives to a result.
func (i SAEBenchInfo) FileName() string {
	return strings.ReplaceAll(i.Release+"_"+i.SAE, "/", "_") + "_eval_results.json"
}

// notMeasured is SAEBench's number for what was not measured.
const notMeasured = -1

// SAEBench gives the report in the "core" schema of SAEBench 0.6.0. What needs
// a language model is -1, and so is what the rows did not allow.
// explained_variance and mse are the correct ones, not what that release
// computes under the same names; both are in the report.
func (r *Report) SAEBench(info SAEBenchInfo) ([]byte, error) {
	rows := r.Metrics["l0"].Rows
	out := map[string]any{
		"eval_type_id":             "core",
		"eval_config":              saebenchConfig(info),
		"eval_id":                  info.ID,
		"datetime_epoch_millis":    info.Millis,
		"eval_result_metrics":      r.saebenchMetrics(rows),
		"eval_result_details":      r.saebenchDetails(),
		"eval_result_unstructured": nil,
		"sae_bench_commit_hash":    nil,
		"sae_lens_id":              orNull(info.SAE),
		"sae_lens_release_id":      orNull(info.Release),
		"sae_lens_version":         nil,
		"sae_cfg_dict":             info.Config,
	}
	b, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("the result in the form of SAEBench: %w", err)
	}
	return append(b, '\n'), nil
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// saebenchConfig says how the figures were made, in SAEBench's words.
func saebenchConfig(info SAEBenchInfo) map[string]any {
	unknown := func(s string) string {
		if s == "" {
			return "unknown"
		}
		return s
	}
	return map[string]any{
		"model_name": unknown(info.Model), "llm_dtype": "float32", "dataset": unknown(info.Dataset),
		"n_eval_reconstruction_batches": 0, "n_eval_sparsity_variance_batches": 1,
		"compute_kl": false, "compute_ce_loss": false, "compute_l2_norms": true,
		"compute_sparsity_metrics": true, "compute_variance_metrics": true,
		"compute_featurewise_density_statistics": true, "compute_featurewise_weight_based_metrics": true,
		"exclude_special_tokens_from_reconstruction": false, "verbose": false,
	}
}

func (r *Report) saebenchMetrics(rows int64) map[string]any {
	group := func(names ...string) map[string]any {
		g := map[string]any{}
		for _, name := range names {
			g[name] = r.orNotMeasured(name)
		}
		return g
	}
	quality := group("explained_variance", "explained_variance_legacy", "mse")
	quality["cossim"] = r.orNotMeasured("cosine")
	return map[string]any{
		"model_behavior_preservation":    group("kl_div_score", "kl_div_with_ablation", "kl_div_with_sae"),
		"model_performance_preservation": group("ce_loss_score", "ce_loss_with_ablation", "ce_loss_with_sae", "ce_loss_without_sae"),
		"reconstruction_quality":         quality,
		"shrinkage":                      group("l2_norm_in", "l2_norm_out", "l2_ratio", "relative_reconstruction_bias"),
		"sparsity":                       group("l0", "l1"),
		"token_stats":                    map[string]any{"total_tokens_eval_reconstruction": 0, "total_tokens_eval_sparsity_variance": rows},
		"misc_metrics": group("freq_over_1_percent", "freq_over_10_percent", "normalized_freq_over_1_percent", "normalized_freq_over_10_percent",
			"average_max_encoder_cosine_sim", "average_max_decoder_cosine_sim", "frac_alive"),
	}
}

// orNotMeasured is a metric's value, -1 when the report has none.
func (r *Report) orNotMeasured(name string) float64 {
	if v, ok := r.Metrics[name]; ok {
		return v.Value
	}
	return notMeasured
}

// A saebenchDetail is a latent in SAEBench's words.
type saebenchDetail struct {
	Index            int     `json:"index"`
	Density          float64 `json:"feature_density"`
	Consistent       float64 `json:"consistent_activation_heuristic"`
	EncoderBias      float64 `json:"encoder_bias"`
	EncoderNorm      float64 `json:"encoder_norm"`
	EncoderDecoder   float64 `json:"encoder_decoder_cosine_sim"`
	MaxDecoderCosine float64 `json:"max_decoder_cosine_sim"`
	MaxEncoderCosine float64 `json:"max_encoder_cosine_sim"`
}

func (r *Report) saebenchDetails() []saebenchDetail {
	t := r.Latents
	list := make([]saebenchDetail, len(t.Frequency))
	for f := range list {
		list[f] = saebenchDetail{
			Index: f, Density: fiveDecimals(t.Frequency[f]), Consistent: notMeasured,
			EncoderNorm: entry(t.EncoderNorm, f), EncoderBias: entry(t.EncoderBias, f),
			EncoderDecoder: entry(t.EncoderCosine, f), MaxDecoderCosine: entry(t.NearestCosine, f), MaxEncoderCosine: entry(t.EncoderNear, f),
		}
		if t.DocsFired != nil && t.DocsFired[f] > 0 {
			list[f].Consistent = fiveDecimals(float64(t.Fired[f]) / float64(t.DocsFired[f]))
		}
	}
	return list
}

// entry is v[f] with the five decimals of SAEBench, -1 when v is nil.
func entry[T float32 | float64](v []T, f int) float64 {
	if v == nil {
		return notMeasured
	}
	return fiveDecimals(float64(v[f]))
}

func fiveDecimals(v float64) float64 { return math.Round(v*1e5) / 1e5 }
