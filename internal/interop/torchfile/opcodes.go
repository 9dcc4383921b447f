package torchfile

import "fmt"

// The operations that torch.save's pickles consist of (protocols 2 to 5).
const (
	opProto, opStop, opFrame                              = 0x80, '.', 0x95
	opMark, opPop, opNone, opTrue, opFalse                = '(', '0', 'N', 0x88, 0x89
	opInt1, opInt2, opInt, opLong1, opFloat               = 'K', 'M', 'J', 0x8a, 'G'
	opText, opShortText                                   = 'X', 0x8c
	opEmptyDict, opEmptyList, opEmptyTuple                = '}', ']', ')'
	opTuple, opTuple1, opTuple2, opTuple3                 = 't', 0x85, 0x86, 0x87
	opAppend, opAppends, opSetItem, opSetItems            = 'a', 'e', 's', 'u'
	opPut, opLongPut, opGet, opLongGet, opMemoize         = 'q', 'r', 'h', 'j', 0x94
	opGlobal, opStackGlobal, opReduce, opBuild, opPersist = 'c', 0x93, 'R', 'b', 'Q'
)

// refused are operations that a pickle of tensors does not need, by name: they
// call what the file names, or hold other data.
func refused(op byte) string {
	names := map[byte]string{
		'i': "INST", 'o': "OBJ", 0x81: "NEWOBJ", 0x92: "NEWOBJ_EX", 'P': "PERSID",
		0x82: "EXT1", 0x83: "EXT2", 0x84: "EXT4", 0x96: "BYTEARRAY8", 0x97: "NEXT_BUFFER",
		'B': "BINBYTES", 'C': "SHORT_BINBYTES", 0x8e: "BINBYTES8", 0x8d: "BINUNICODE8", 0x8b: "LONG4",
		'I': "INT", 'L': "LONG", 'F': "FLOAT", 'S': "STRING", 'V': "UNICODE", 'T': "BINSTRING", 'U': "SHORT_BINSTRING",
	}
	if name, ok := names[op]; ok {
		return name
	}
	return fmt.Sprintf("0x%02x", op)
}

// step runs one operation.
func (m *machine) step(op byte) error {
	switch op {
	case opProto:
		v, err := m.byte()
		if err == nil && (v < 2 || v > 5) {
			err = fmt.Errorf("protocol %d; 2 to 5 are read", v)
		}
		return err
	case opFrame:
		_, err := m.bytes(8)
		return err
	case opMark:
		m.push(mark{})
	case opPop:
		_, err := m.pop()
		return err
	case opNone:
		m.push(nil)
	case opTrue, opFalse:
		m.push(op == opTrue)
	case opEmptyDict:
		m.push(&dict{})
	case opEmptyList:
		m.push(&list{})
	case opEmptyTuple:
		m.push(tuple{})
	case opInt1, opInt2, opInt, opLong1, opFloat, opText, opShortText:
		return m.literal(op)
	case opPut, opLongPut, opGet, opLongGet, opMemoize:
		return m.remember(op)
	default:
		return m.build(op)
	}
	return nil
}

func (m *machine) literal(op byte) error {
	switch op {
	case opText:
		return m.text(4)
	case opShortText:
		return m.text(1)
	case opFloat:
		return m.float()
	case opLong1:
		n, err := m.byte()
		if err != nil {
			return err
		}
		return m.long(int64(n))
	}
	width := map[byte]int64{opInt1: 1, opInt2: 2, opInt: 4}[op]
	v, err := m.number(width)
	if op == opInt {
		v = uint64(int64(int32(v)))
	}
	m.push(int64(v))
	return err
}

// remember puts the top of the stack into the memo, or gets a value from it.
func (m *machine) remember(op byte) error {
	if op == opMemoize {
		return m.put(uint32(len(m.memo)))
	}
	width := int64(1)
	if op == opLongPut || op == opLongGet {
		width = 4
	}
	i, err := m.number(width)
	if err != nil {
		return err
	}
	if op == opPut || op == opLongPut {
		return m.put(uint32(i))
	}
	v, ok := m.memo[uint32(i)]
	if !ok {
		return fmt.Errorf("%w: memo entry %d was never stored", errBroken, i)
	}
	m.push(v)
	return nil
}

func (m *machine) put(i uint32) error {
	v, err := m.top()
	m.memo[i] = v
	return err
}

// build runs the operations that make values out of others.
func (m *machine) build(op byte) error {
	switch op {
	case opTuple1, opTuple2, opTuple3:
		return m.popTuple(int(op-opTuple1) + 1)
	case opTuple:
		items, err := m.popMark()
		m.push(tuple(items))
		return err
	case opAppend, opSetItem:
		return m.addOne(op)
	case opAppends, opSetItems:
		items, err := m.popMark()
		if err != nil {
			return err
		}
		return m.addTo(items, op == opSetItems)
	case opGlobal, opStackGlobal:
		return m.global(op)
	case opPersist:
		return m.persistent()
	case opReduce:
		return m.reduce()
	case opBuild:
		return m.state()
	}
	return fmt.Errorf("the pickle operation %s is refused: tensors do not need it", refused(op))
}

func (m *machine) addOne(op byte) error {
	n := 1
	if op == opSetItem {
		n = 2
	}
	if err := m.popTuple(n); err != nil {
		return err
	}
	items, _ := m.pop()
	return m.addTo(items.(tuple), op == opSetItem)
}

// addTo adds items to the list, or pairs of them to the dictionary, on top of
// the stack.
func (m *machine) addTo(items []any, pairs bool) error {
	v, err := m.top()
	if err != nil {
		return err
	}
	if l, ok := v.(*list); ok && !pairs {
		l.items = append(l.items, items...)
		return nil
	}
	d, ok := v.(*dict)
	if !ok || !pairs || len(items)%2 != 0 {
		return fmt.Errorf("%w: %d values added to %s", errBroken, len(items), kindOf(v))
	}
	for i := 0; i < len(items); i += 2 {
		if err := d.set(items[i], items[i+1]); err != nil {
			return err
		}
	}
	return nil
}
