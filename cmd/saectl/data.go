package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/saectl/saectl/activations"
)

func newData(s streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "data",
		Short: "Look at, check, split and make dumps of activations",
		Args:  arguments(0, 0),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDataInfo(s), newDataVerify(s), newDataSplit(s), newDataConvert(s), newDataSynth(s))
	return cmd
}

func newDataInfo(s streams) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "info DUMP",
		Short:   "Say what a dump holds",
		Example: "  saectl data info sample\n  saectl data info activations/ --json",
		Args:    arguments(1, 1),
		RunE:    func(_ *cobra.Command, args []string) error { return runDataInfo(s, args[0], asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

// dumpInfo is the JSON of data info.
type dumpInfo struct {
	Path        string                  `json:"path"`
	Rows        int64                   `json:"rows"`
	D           int                     `json:"d"`
	DOut        int                     `json:"d_out,omitempty"`
	Float       string                  `json:"float"`
	Columns     []string                `json:"columns"`
	Other       []string                `json:"other_columns"`
	Metadata    activations.Metadata    `json:"metadata"`
	Unknown     []string                `json:"unknown_metadata"`
	Shards      []activations.ShardInfo `json:"shards"`
	Fingerprint string                  `json:"fingerprint"`
}

func runDataInfo(s streams, path string, asJSON bool) error {
	d, err := openDump(path)
	if err != nil {
		return err
	}
	defer d.Close()
	fingerprint, err := d.Fingerprint()
	if err != nil {
		return err
	}
	i := dumpInfo{
		Path: d.Name(), Rows: d.Rows(), D: d.D(), DOut: d.DOut(), Float: "float32", Columns: columnNames(d), Other: d.OtherColumns(),
		Metadata: d.Metadata(), Unknown: d.Metadata().Unknown(), Shards: d.Shards(), Fingerprint: fingerprint,
	}
	if d.Half() {
		i.Float = "float16"
	}
	if asJSON {
		return s.json(i)
	}
	i.print(s)
	return nil
}

func columnNames(d *activations.Dump) []string {
	names := []string{"activation"}
	for _, c := range []struct {
		column activations.Columns
		name   string
	}{
		{activations.Gradient, "gradient"}, {activations.Target, "target"}, {activations.TokenID, "token_id"},
		{activations.Doc, "doc"}, {activations.Pos, "pos"}, {activations.Label, "label"},
	} {
		if d.Has(c.column) {
			names = append(names, c.name)
		}
	}
	if d.HasToken() {
		names = append(names, "token")
	}
	return names
}

func (i dumpInfo) print(s streams) {
	fmt.Fprintf(s.out, "%s\n  rows         %s of %d values, %s\n  columns      %v\n", i.Path, thousands(i.Rows), i.D, i.Float, i.Columns)
	if len(i.Other) > 0 {
		fmt.Fprintf(s.out, "  other        %v (kept by data split, ignored by the rest)\n", i.Other)
	}
	fmt.Fprintf(s.out, "  fingerprint  %s\n  shards       %d\n", i.Fingerprint, len(i.Shards))
	for _, k := range slices.Sorted(maps.Keys(i.Metadata)) {
		fmt.Fprintf(s.out, "  %-12s %s\n", k, i.Metadata[k])
	}
	if len(i.Unknown) > 0 {
		fmt.Fprintf(s.out, "  not in the format's list: %v\n", i.Unknown)
	}
}

func newDataVerify(s streams) *cobra.Command {
	return &cobra.Command{
		Use:     "verify DUMP",
		Short:   "Read a dump to the end and check everything about it",
		Example: "  saectl data verify activations/",
		Args:    arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := openDump(args[0])
			if err != nil {
				return err
			}
			defer d.Close()
			if err := d.Verify(nil); err != nil {
				return err
			}
			fmt.Fprintf(s.out, "%s: %s rows of %d values, all readable and finite\n", d.Name(), thousands(d.Rows()), d.D())
			return nil
		},
	}
}
