//go:build !linux

package main

import "runtime"

// peakMemory is what the Go runtime took from the system, in MB: other
// systems count resident memory in other units.
func peakMemory() float64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.Sys) / (1 << 20)
}
