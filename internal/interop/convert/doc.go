// Package convert makes dumps of activations from the files of other tools:
// Hugging Face folders, Arrow, Parquet, npy, npz, safetensors and torch.
//
// A file is a container of columns. A column is opened by what its file says of
// it, and read in order: raw values of a row at a time, widened to float32 and
// handed to the writer of a dump. Nothing a file says is believed before it is
// checked against the file's size, and rows are read a few megabytes at a time,
// so a conversion needs no more memory than that however large the file is.
package convert
