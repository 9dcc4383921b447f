// Package foreign holds sparse autoencoders that other tools trained: exactly
// what their files say, how that encodes and decodes, and a folder that keeps it
// without losing a bit. Packages for each tool's files fill it in.
//
// Size letters: B rows in a batch, D and DOut widths of the rows and of the
// reconstruction, F latents. All matrices hold one latent a row.
package foreign
