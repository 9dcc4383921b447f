package kernel

import (
	"syscall"
	"unsafe"
)

// adviseLarge asks for large pages for those that lie within x. It is a hint:
// an error means that there are none, and changes nothing.
func adviseLarge(x []float32) {
	b := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 4*len(x))
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(x)))) & (largePage - 1)
	if whole := (len(b) - skip) &^ (largePage - 1); whole > 0 {
		_ = syscall.Madvise(b[skip:skip+whole], syscall.MADV_HUGEPAGE)
	}
}
