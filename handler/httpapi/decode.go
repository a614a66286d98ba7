package httpapi

import (
	"encoding/json"
	"errors"
	"math/big"
	"slices"
	"strings"
	"sync"

	"callout/handler/callout"
	"callout/handler/catalog"
	"callout/handler/schema"
)

// decodeConfig makes a configuration of a document that may replace another,
// whose secrets need not be given again. It fails with callout.InvalidConfig,
// which lists the faults that are known already too.
func decodeConfig(doc any, known ...callout.Fault) (*callout.Config, error) {
	config, faults, err := readConfig(doc, true, known)
	if err != nil {
		return nil, err
	}
	return config, callout.Refuse(callout.InvalidConfig, faults)
}

// readConfig makes a configuration of a document. When there are faults, what is
// not at fault is looked at all the same, so that all are reported together;
// when there are none, the catalog looks. What is only missing may be stored if
// the configuration replaces another.
func readConfig(doc any, replaces bool, known []callout.Fault) (*callout.Config, []callout.Fault, error) {
	keepValues(doc)
	rest, faults := component("Config").Sift(schema.WithoutNulls(doc))
	faults = append(slices.Clone(known), faults...)
	if len(faults) == 0 {
		rest = withClearing(rest, doc)
	}
	config, err := bind(rest)
	if err == nil && len(faults) > 0 {
		more := config.Validate(config.Excused(nil))
		if replaces {
			more = slices.DeleteFunc(more, func(f callout.Fault) bool { return f.Code == callout.MissingValue })
		}
		faults = append(faults, beyond(more, faults)...)
	}
	return config, faults, err
}

// keepValues keeps the defaults and the enums of fields as they were given: a null
// inside of one is a value, and not a property that is absent.
func keepValues(doc any) {
	config, _ := doc.(map[string]any)
	fields, _ := config["fields"].([]any)
	for _, field := range fields {
		shape, _ := field.(map[string]any)
		keep(shape, "default")
		for ; shape != nil; shape, _ = shape["items"].(map[string]any) {
			values, _ := shape["enum"].([]any)
			for i := range values {
				values[i] = asText(values[i])
			}
		}
	}
}

func keep(members map[string]any, name string) {
	if members[name] != nil {
		members[name] = asText(members[name])
	}
}

// asText writes an array or an object as JSON, in which nothing is looked for.
func asText(v any) any {
	switch v.(type) {
	case map[string]any, []any:
		text, err := encode(v)
		if err == nil {
			return json.RawMessage(text)
		}
	}
	return v
}

// withClearing puts back the nulls that clear a stored secret. They stand in
// auth, in headers and in secretValues, where a null beside them means nothing
// else, or in the place of secretValues.
func withClearing(settled, doc any) any {
	out, given := settled.(map[string]any), doc.(map[string]any)
	for _, name := range []string{"auth", "headers", "secretValues"} {
		if v, ok := given[name]; v != nil || ok && name == "secretValues" {
			out[name] = v
		}
	}
	return out
}

// bind decodes what fits the schema. Its error quotes nothing: it is logged.
func bind(doc any) (*callout.Config, error) {
	if members, ok := doc.(map[string]any); ok {
		for _, name := range readOnly() {
			delete(members, name)
		}
		digits(members)
	}
	config := &callout.Config{}
	data, err := encode(doc)
	if err == nil {
		err = json.Unmarshal(data, config)
	}
	if err != nil {
		return nil, errors.New("httpapi: a document that fits the schema of a configuration cannot be decoded")
	}
	return config, nil
}

// readOnly lists the properties of a configuration that Callout sets. What a
// caller gives for them is ignored.
var readOnly = sync.OnceValue(func() []string {
	var out []string
	for name, property := range schemas()["Config"].(map[string]any)["properties"].(map[string]any) {
		if property.(map[string]any)["readOnly"] == true {
			out = append(out, name)
		}
	}
	return out
})

// digits rewrites the whole numbers of a configuration for Go, which reads
// digits only. To JSON Schema, 30.0 and 3e1 are whole numbers as well.
func digits(members map[string]any) {
	for _, name := range []string{"timeoutSeconds", "maxResponseBytes", "retries", "maxLength", "defaultLifetimeSeconds"} {
		if n, ok := members[name].(json.Number); ok {
			members[name] = whole(n)
		}
	}
	statuses, _ := members["refreshOn"].([]any)
	for i := range statuses {
		n, _ := statuses[i].(json.Number) // none where one that is at fault was taken away
		statuses[i] = whole(n)
	}
	for _, name := range []string{"items", "auth"} {
		if part, ok := members[name].(map[string]any); ok {
			digits(part)
		}
	}
	fields, _ := members["fields"].([]any)
	for _, field := range fields {
		if field, ok := field.(map[string]any); ok {
			digits(field)
		}
	}
}

// whole writes a whole number in digits, and 0 for what is no number.
func whole(n json.Number) json.Number {
	r, ok := new(big.Rat).SetString(n.String())
	if !ok {
		return "0"
	}
	return json.Number(r.RatString())
}

// beyond returns the faults of the domain that say something new: nothing about
// a place that was at fault already, and nothing that was judged by what was
// sifted out.
func beyond(found, known []callout.Fault) []callout.Fault {
	var out []callout.Fault
	for _, f := range found {
		said := slices.ContainsFunc(known, func(k callout.Fault) bool {
			return inside(f.Target, k.Target) || f.Target != "" && inside(k.Target, f.Target) || hinges(f.Target, k.Target)
		})
		if !said {
			out = append(out, f)
		}
	}
	return out
}

// inside reports whether the place inner is outer or a part of it.
func inside(inner, outer string) bool {
	rest, ok := strings.CutPrefix(inner, outer)
	return ok && (outer == "" || rest == "" || rest[0] == '.' || rest[0] == '[')
}

// hinges reports whether what is right at a place depends on what is at key: a
// type decides about its neighbours, the method about the body and who may be in
// it, and names about who may name them.
func hinges(place, key string) bool {
	object, ok := strings.CutSuffix(key, ".type")
	ofField := strings.HasPrefix(place, "fields[") && strings.HasSuffix(place, ".in")
	switch {
	case key == "method":
		return ofField || place == "body" || place == "bodyFormat"
	case key == "endpoint":
		return ofField
	case key == "fields" || inside(key, "secretValues"):
		return place == "endpoint" || place == "auth.tokenUrl" || strings.HasSuffix(place, ".value")
	case key == "auth.in":
		return inside(place, "auth")
	}
	return ok && inside(place, object)
}

// decodeNew makes a configuration of a document, as one that replaces nothing. It
// fails with callout.InvalidConfig.
func decodeNew(doc any) (*callout.Config, error) {
	config, faults, err := readConfig(doc, false, nil)
	if err != nil {
		return nil, err
	}
	return config, callout.Refuse(callout.InvalidConfig, faults)
}

// decodeDraft reads the configuration that a request carries in its property
// config. The faults of both are reported together.
func decodeDraft(doc any) (*callout.Config, error) {
	faults := component("TestDraftRequest").Validate(schema.WithoutNulls(doc), "")
	members, _ := doc.(map[string]any)
	given, ok := members["config"].(map[string]any)
	if !ok { // which is among the faults
		return nil, callout.Refuse(callout.InvalidRequest, faults)
	}
	code := callout.InvalidRequest
	if len(faults) == 0 {
		code = callout.InvalidConfig
	}
	draft, more, err := readConfig(given, false, nil)
	if err != nil {
		return nil, err
	}
	if len(more) == 0 {
		more = details(catalog.Check(draft, nil))
	}
	return draft, callout.Refuse(code, append(faults, within("config", more)...))
}

func details(err error) []callout.Fault {
	var refusal *callout.Error
	if errors.As(err, &refusal) {
		return refusal.Details
	}
	return nil
}

// within returns the faults of a part as those of the whole.
func within(part string, faults []callout.Fault) []callout.Fault {
	out := slices.Clone(faults)
	for i := range out {
		out[i].Target = strings.TrimSuffix(part+"."+out[i].Target, ".")
	}
	return out
}
