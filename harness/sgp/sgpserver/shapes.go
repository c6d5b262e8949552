package sgpserver

// The shapes that inputs, outputs and what goes with them may have.

// textOrDict checks a value that is a string or an object, as those of flexible
// datasets are.
func (f fields) textOrDict(name string, need bool) {
	if !f.given(name, need) {
		return
	}
	if k := kindOf(f.object[name]); k != kindString && k != kindObject {
		f.wrong("string_or_dict_type", "Input should be a valid string or dictionary", name)
	}
}

// extraInfo checks an ExtraInfoSchema: {chunks: [...]} or {info: "..."}, told apart
// by schema_type. Where that is absent it follows from what is there, and is
// added, because a response has it.
func (f fields) extraInfo(name string) {
	f.dict(name, false, func(info fields) {
		variant, typed := info.oneOf("schema_type", false, "CHUNKS", "STRING")
		chunks, text := info.has("chunks"), info.has("info")
		switch {
		case typed:
		case info.has("schema_type"): // named, and wrong: said already
			return
		case chunks == text:
			f.wrong("union_tag_not_found", "Unable to extract tag using discriminator 'schema_type'", name)
			return
		default:
			variant = map[bool]string{true: "CHUNKS", false: "STRING"}[chunks]
			info.set("schema_type", variant)
			*info.changed = true
		}
		if variant == "CHUNKS" {
			info.chunks("chunks")
		} else {
			info.text("info", true)
		}
	})
}

// chunks checks a list of {text, metadata}.
func (f fields) chunks(name string) {
	items, _ := f.list(name, true)
	changed := false
	for i, raw := range items {
		o, err := decodeObject(raw)
		if err != nil || o == nil {
			f.add(f.at(name, i), "dict_type", "Input should be a valid dictionary", raw, nil)
			continue
		}
		chunk := newFields(f.checker, o, f.at(name, i)...)
		chunk.text("text", true)
		chunk.dict("metadata", false, nil)
		if *chunk.changed {
			items[i], changed = chunk.encode(), true
		}
	}
	if changed {
		f.object[name] = array(items)
		*f.changed = true
	}
}
