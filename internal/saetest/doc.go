// Package saetest holds what tests of variants share: the conformance test
// that every variant passes (Run), golden cases of reference implementations
// (Golden) with a replay of their training, and toy data.
package saetest
