// Package jsontext looks at JSON before it is decoded.
package jsontext

// TooDeep is the place of the first list or object that lies within most
// others, or -1. Nesting beyond what a file can need would only cost a decoder
// its stack.
func TooDeep(b []byte, most int) int {
	depth, inString := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > most {
				return i
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return -1
}
