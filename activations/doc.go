// Package activations is the first stage of saectl: rows of activations of one
// model at one hook point, kept in Arrow. It holds the Batch that every later
// stage passes on, the reader and the writer of the activation dump (format
// version 1), its checks, its fingerprint and the filter on its columns.
//
// A dump is opened by its metadata alone. Rows are then read by number with
// positioned reads at offsets of our own index: Arrow's reader decodes whole
// record batches and copies every buffer, which is 4,000 rows for one. Arrow
// itself writes the dump, and carries the columns that the format does not
// name when a dump is copied.
//
// Nothing a file says is believed before it is checked against the file's
// size, so a damaged file costs one error and no memory.
package activations
