// Package torchfile reads the tensors of files that torch.save wrote, and
// writes such files: the zip archives of today and the layout before PyTorch
// 1.6, five pickles followed by the raw numbers.
//
// A pickle is a program. The interpreter here runs only what builds dictionaries,
// lists, numbers, strings and tensors; a file that names anything else is refused
// with that name, and nothing of it is called. What a file claims is checked
// against its size before memory is made for it.
package torchfile
