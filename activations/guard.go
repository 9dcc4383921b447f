package activations

import "fmt"

// guard is the one boundary to Arrow's reader and writer: they panic at what
// they do not expect, which here becomes an error.
func guard(do func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the Arrow library does not accept it: %v", r)
		}
	}()
	return do()
}
