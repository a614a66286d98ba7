package draft

import (
	"mime"
	"net/url"
	"slices"
	"strings"

	"callout/handler/callout"
	"callout/handler/schema"
)

// Content types that Callout sets by itself.
const (
	jsonType = "application/json"
	formType = "application/x-www-form-urlencoded"
)

// takeBody makes fields or a template of the data, in the format that the content
// type says.
func (d *drafting) takeBody() error {
	c, config := d.call, d.config
	data := c.data.String()
	hasBody := callout.HasBody(config.Method)
	switch {
	case !c.hasData || c.asQuery:
		if hasBody {
			config.BodyFormat = callout.BodyNone
		}
	case !hasBody:
		return refuseCurl("The command sends a body with a method for which Callout has none. Use -G if the data belongs into the query, or another operation of the API.")
	case data == "" && d.mediaType() != formType:
		config.BodyFormat = callout.BodyNone
	default:
		if err := d.takeData(data); err != nil {
			return err
		}
	}
	d.setType()
	return d.checkTemplate()
}

// checkTemplate finds what no template can hold.
func (d *drafting) checkTemplate() error {
	body := d.config.Body
	switch {
	case len(body) > callout.MaxTemplate:
		return refuseCurl("The body is longer than %d bytes, which is the limit of a template. Shorten it.", callout.MaxTemplate)
	case len(body) > 0 && holdsBraces(schema.ParseOrdered(body)):
		return refuseCurl("The name of a member of the body holds {{, which stands for something else. Write the name that is meant.")
	}
	return nil
}

// takeData reads a body that there is.
func (d *drafting) takeData(data string) error {
	switch media := d.mediaType(); {
	case media == jsonType || media == "text/json" || strings.HasSuffix(media, "+json"):
		return d.takeJSON(data)
	case media != formType && media != "":
		return refuseCurl("The body is neither JSON nor a form, going by its Content-Type. Callout sends these two: use another operation of the API.")
	case !isJSON(data):
		return d.takeForm(data)
	}
	d.note("The body is JSON, but curl labels it as a form, because the command gives no other Content-Type. The draft keeps the label as a header. Remove it if the API wants JSON; the body is labelled as JSON then.")
	return d.takeJSON(data)
}

// mediaType is the content type without its parameters.
func (d *drafting) mediaType() string {
	media, _, err := mime.ParseMediaType(d.media)
	if err != nil {
		media, _, _ = strings.Cut(strings.ToLower(d.media), ";")
	}
	return strings.TrimSpace(media)
}

func isJSON(data string) bool {
	trimmed := strings.TrimSpace(data)
	if !strings.HasPrefix(trimmed, "{") && !strings.HasPrefix(trimmed, "[") {
		return false
	}
	_, err := schema.Parse([]byte(data))
	return err == nil
}

// setType keeps the content type as a header unless Callout sets it by itself.
func (d *drafting) setType() {
	own := ""
	if d.config.BodyFormat == callout.BodyForm {
		own = formType
	} else if callout.HasBody(d.config.Method) && d.config.BodyFormat != callout.BodyNone {
		own = jsonType
	}
	switch {
	case d.media == "" && own != "":
		d.note("The command takes the Content-Type away. Callout says what the body is.")
	case d.media != "" && !strings.EqualFold(d.media, own):
		d.config.Headers = append(d.config.Headers, callout.Header{Name: "Content-Type", Value: d.media})
	}
}

// takeForm makes a field of each name. A name with several values becomes an
// array. Where a name is none for a field, or holds a credential, a template joins
// the two.
func (d *drafting) takeForm(data string) error {
	d.config.BodyFormat = callout.BodyForm
	pairs, err := parseForm(data)
	if err != nil {
		return err
	}
	var body schema.Object
	asTheyAre := true
	for _, p := range pairs {
		value, plain := d.formMember(p)
		body = append(body, schema.Member{Name: p.name, Value: value})
		asTheyAre = asTheyAre && plain
	}
	if !asTheyAre {
		d.config.Body = encode(body)
	}
	return nil
}

// formMember returns what stands for the values of a name in the template, and
// whether a field of that very name would do without one.
func (d *drafting) formMember(p formPair) (value any, plain bool) {
	f := callout.Field{Name: p.name, Shape: callout.Shape{Type: callout.TypeString}}
	switch {
	case strings.Join(p.values, "") != "" && isCredential(p.name):
		return d.secretEntries(p), false
	case len(p.values) == 1:
		f.Default = encode(p.values[0])
	default:
		f.Type, f.Items, f.Default = callout.TypeArray, &callout.Shape{Type: callout.TypeString}, encode(p.values)
	}
	name := d.field(f)
	return "{{" + name + "}}", name == p.name
}

// secretEntries returns what stands in the template for values that are credentials.
func (d *drafting) secretEntries(p formPair) any {
	var out []any
	for _, value := range p.values {
		if value != "" {
			value = d.secretValue(p.name, value)
		}
		out = append(out, value)
	}
	if len(out) == 1 {
		return out[0]
	}
	return out
}

type formPair struct {
	name   string
	values []string
}

// parseForm reads a form. Values of one name have to stand together, because a
// template has each name once, and servers that build lists of objects from pairs
// such as item[][id] go by their order.
func parseForm(data string) ([]formPair, error) {
	const advice = "The body has no Content-Type, or that of a form, and is no form of name=value pairs. Callout sends forms and JSON: add -H 'Content-Type: application/json' if it is JSON, and correct it."
	var pairs []formPair
	for text := range strings.SplitSeq(data, "&") {
		if text == "" {
			continue
		}
		name, value, found := strings.Cut(text, "=")
		plain, err := url.QueryUnescape(name)
		decoded, err2 := url.QueryUnescape(value)
		if !found || plain == "" || err != nil || err2 != nil {
			return nil, refuseCurl(advice)
		}
		switch i := slices.IndexFunc(pairs, func(p formPair) bool { return p.name == plain }); {
		case i < 0:
			pairs = append(pairs, formPair{plain, []string{decoded}})
		case i < len(pairs)-1:
			return nil, refuseCurl("A name in the form comes again after other names. The order may carry meaning, and Callout sends all values of a name together. Number the names, as in item[0][id], or send JSON, if the API takes that; put equal names next to each other if their order means nothing.")
		default:
			pairs[i].values = append(pairs[i].values, decoded)
		}
		if len(pairs) > callout.MaxFields {
			return nil, refuseCurl("The form has more than %d names. Remove some.", callout.MaxFields)
		}
	}
	return pairs, nil
}
