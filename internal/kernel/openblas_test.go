//go:build openblas

package kernel

import "github.com/saectl/saectl/internal/kernel/openblas"

// rival is the product that GEMM is held against, where the build has one.
var rival = openblas.Product
