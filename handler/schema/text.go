package schema

import (
	"bytes"
	"encoding/json"
	"slices"
)

// KeepText puts the text of a member, as it stands in data, in the place of what
// Parse has made of it in doc: a json.RawMessage, in which the order of members is
// that of data. path leads to the member; one that is absent or null stays so. doc
// is changed.
func KeepText(doc any, data []byte, path ...string) {
	members, ok := doc.(map[string]any)
	if !ok || members[path[0]] == nil {
		return
	}
	var texts map[string]json.RawMessage
	_ = json.Unmarshal(data, &texts) // has been parsed
	if text := texts[path[0]]; len(path) > 1 {
		KeepText(members[path[0]], text, path[1:]...)
	} else {
		members[path[0]] = text
	}
}

// member is one of an object that is kept as text.
type member struct {
	name string
	text json.RawMessage
}

// membersOf takes an object apart; any other value has no members.
func membersOf(text json.RawMessage) (members []member, isObject bool) {
	dec := json.NewDecoder(bytes.NewReader(text))
	if first, _ := dec.Token(); first != json.Delim('{') {
		return nil, false
	}
	for dec.More() {
		var m member
		name, _ := dec.Token() // has been parsed
		m.name, _ = name.(string)
		_ = dec.Decode(&m.text)
		members = append(members, m)
	}
	return members, true
}

// mergeText applies a merge patch to a value that is kept as text, to the letter
// of RFC 7396: nothing in it is a secret. Members that stay keep their places, and
// new ones follow in the order of the patch.
func mergeText(target, patch json.RawMessage) json.RawMessage {
	changes, ok := membersOf(patch)
	if !ok {
		return patch
	}
	members, _ := membersOf(target)
	for _, change := range changes {
		at := slices.IndexFunc(members, func(m member) bool { return m.name == change.name })
		switch {
		case string(change.text) == "null":
			members = slices.DeleteFunc(members, func(m member) bool { return m.name == change.name })
		case at >= 0:
			members[at].text = mergeText(members[at].text, change.text)
		default:
			members = append(members, member{change.name, mergeText(nil, change.text)})
		}
	}
	return textOf(members)
}

func textOf(members []member) json.RawMessage {
	out := []byte{'{'}
	for i, m := range members {
		if i > 0 {
			out = append(out, ',')
		}
		name, _ := json.Marshal(m.name) // a text: cannot fail
		out = append(append(append(out, name...), ':'), m.text...)
	}
	return append(out, '}')
}
