// Package safetensors reads and writes the safetensors format: eight bytes of
// header length, a JSON header that names each tensor with its type, shape and
// place, then the numbers, little-endian.
//
// A file is opened by its header alone and tensors are read when asked for.
// Nothing the header says is believed before it fits the file's size.
package safetensors
