//go:build !amd64 || purego

package kernel

// available lists the one set that needs no assembly.
func available() []*set { return []*set{&generic} }
