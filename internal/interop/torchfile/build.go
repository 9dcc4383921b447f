package torchfile

import "fmt"

// The globals that tensors need.
const (
	rebuildTensor    global = "torch._utils._rebuild_tensor_v2"
	rebuildParameter global = "torch._utils._rebuild_parameter"
	orderedDict      global = "collections.OrderedDict"
)

// elements are the numbers of a storage.
type elements struct {
	dtype string // as safetensors names it
	width int
}

// storages are the classes of storages by name.
func storages() map[global]elements {
	return map[global]elements{
		"torch.FloatStorage": {"F32", 4}, "torch.DoubleStorage": {"F64", 8}, "torch.HalfStorage": {"F16", 2}, "torch.BFloat16Storage": {"BF16", 2},
		"torch.LongStorage": {"I64", 8}, "torch.IntStorage": {"I32", 4}, "torch.ShortStorage": {"I16", 2}, "torch.CharStorage": {"I8", 1},
		"torch.ByteStorage": {"U8", 1}, "torch.BoolStorage": {"BOOL", 1},
	}
}

// global takes the name of a class or function, and refuses all but those that
// make tensors.
func (m *machine) global(op byte) error {
	var module, name string
	var err error
	if op == opGlobal {
		if module, err = m.line(); err == nil {
			name, err = m.line()
		}
	} else if err = m.popTuple(2); err == nil {
		pair, _ := m.pop()
		module, _ = pair.(tuple)[0].(string)
		name, _ = pair.(tuple)[1].(string)
	}
	if err != nil {
		return err
	}
	g := global(module + "." + name)
	_, isStorage := storages()[g]
	if !isStorage && g != rebuildTensor && g != rebuildParameter && g != orderedDict {
		return fmt.Errorf("refuses the global %.100s: a file of tensors does not need it, and nothing else is ever called", g)
	}
	m.push(g)
	return nil
}

// persistent makes a storage of ("storage", class, key, device, count), with a
// sixth entry, None, in the old layout.
func (m *machine) persistent() error {
	v, err := m.pop()
	if err != nil {
		return err
	}
	id, _ := v.(tuple)
	if len(id) == 6 && id[5] == nil {
		id = id[:5]
	}
	if len(id) != 5 || id[0] != any("storage") {
		return fmt.Errorf("%w: a persistent id that is no storage", errBroken)
	}
	class, _ := id[1].(global)
	e, known := storages()[class]
	key, isKey := id[2].(string)
	count, isCount := id[4].(int64)
	if !known || !isKey || !isCount || count < 0 {
		return fmt.Errorf("%w: a storage of %s, key %.40q, %v elements", errBroken, class, fmt.Sprint(id[2]), kindOf(id[4]))
	}
	if m.find == nil {
		return fmt.Errorf("%w: a storage where none is wanted", errBroken)
	}
	s, err := m.find(key, e)
	if err != nil {
		return err
	}
	m.push(&typed{s, e, count})
	return nil
}

// typed is a storage as a pickle names it.
type typed struct {
	storage *storage
	elements
	count int64 // elements claimed
}

// reduce makes a tensor or an empty ordered dictionary; other calls are refused.
func (m *machine) reduce() error {
	if err := m.popTuple(2); err != nil {
		return err
	}
	pair, _ := m.pop()
	callable, args := pair.(tuple)[0], pair.(tuple)[1]
	given, ok := args.(tuple)
	if !ok {
		return fmt.Errorf("%w: arguments that are %s", errBroken, kindOf(args))
	}
	switch {
	case callable == any(orderedDict) && len(given) == 0:
		m.push(&dict{})
		return nil
	case callable == any(rebuildParameter) && len(given) >= 1:
		if t, ok := given[0].(*Tensor); ok {
			m.push(t)
			return nil
		}
	case callable == any(rebuildTensor) && len(given) >= 4:
		t, err := tensorOf(given)
		m.push(t)
		return err
	}
	return fmt.Errorf("%w: a call of %.60v with %d arguments that makes no tensor", errBroken, callable, len(given))
}

// maxDims is more dimensions than PyTorch itself can print.
const maxDims = 64

// tensorOf is the tensor of (storage, offset, size, stride, ...).
func tensorOf(args tuple) (*Tensor, error) {
	s, isStorage := args[0].(*typed)
	offset, isOffset := args[1].(int64)
	shape, isShape := integers(args[2])
	stride, isStride := integers(args[3])
	if !isStorage || !isOffset || !isShape || !isStride || len(shape) != len(stride) || len(shape) > maxDims {
		return nil, fmt.Errorf("%w: a tensor of %s, offset %s, size %s, stride %s", errBroken, kindOf(args[0]), kindOf(args[1]), kindOf(args[2]), kindOf(args[3]))
	}
	return &Tensor{Dtype: s.dtype, width: s.width, count: s.count, storage: s.storage, offset: offset, shape: shape, stride: stride}, nil
}

func integers(v any) (list []int64, ok bool) {
	t, ok := v.(tuple)
	for _, v := range t {
		n, isInt := v.(int64)
		ok = ok && isInt
		list = append(list, n)
	}
	return list, ok
}

// state ends an object with attributes. An ordered dictionary of a model's
// weights has some (versions of its layers), which tell nothing about tensors.
func (m *machine) state() error {
	if _, err := m.pop(); err != nil {
		return err
	}
	v, err := m.top()
	if _, ok := v.(*dict); err == nil && !ok {
		err = fmt.Errorf("attributes of %s are refused", kindOf(v))
	}
	return err
}
