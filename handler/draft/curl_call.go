package draft

import (
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// call is what the options of one command say together.
type call struct {
	addresses []string
	method    string // "" for what curl chooses
	headers   []string
	data      strings.Builder // of all options that give some
	hasData   bool
	asJSON    bool
	onlyHead  bool
	asQuery   bool // -G: the data goes into the query
	query     []string
	user      *string
	bearer    string
	cookies   []string
	agent     string
	referer   string
	parts     string // of the resource: -r
	seconds   int
	literal   bool // -g: no lists in the address
	notes     []string
}

func (c *call) note(text string) {
	if !slices.Contains(c.notes, text) {
		c.notes = append(c.notes, text)
	}
}

// readCall reads the arguments of curl as curl does: letters behind one hyphen may
// stand together, the last with its argument, and what is no option is an address.
func readCall(words []string) (*call, error) {
	c := &call{}
	for i := 0; i < len(words); i++ {
		word := words[i]
		if word == "--" {
			c.addresses = append(c.addresses, words[i+1:]...)
			break
		}
		if !strings.HasPrefix(word, "-") {
			c.addresses = append(c.addresses, word)
			continue
		}
		took, err := c.option(word, words[i+1:], i+2)
		if err != nil {
			return nil, err
		}
		i += took
	}
	return c, nil
}

// option reads a word with options. It returns how many words of next belong to
// it. place is the word's number in the command.
func (c *call) option(word string, next []string, place int) (int, error) {
	if name, ok := strings.CutPrefix(word, "--"); ok {
		return c.long(name, next, place)
	}
	letters := word[1:]
	if letters == "" {
		return 0, refuseUnknown(place)
	}
	for i := range len(letters) {
		o := shortOption(letters[i])
		switch {
		case o == nil:
			return 0, refuseUnknown(place)
		case !o.argument:
			if err := c.apply(o, ""); err != nil {
				return 0, err
			}
			continue
		case i+1 < len(letters):
			return 0, c.apply(o, letters[i+1:])
		case len(next) == 0:
			return 0, refuseMissing(o)
		}
		return 1, c.apply(o, next[0])
	}
	return 0, nil
}

func (c *call) long(name string, next []string, place int) (int, error) {
	o := longOption(name)
	switch {
	case o == nil && strings.Contains(name, "="):
		return 0, refuseCurl("Word %d of the command joins an option and its value with an equals sign, which curl does not understand. Put a space there.", place)
	case o == nil:
		if positive, ok := strings.CutPrefix(name, "no-"); ok {
			if o := longOption(positive); o != nil && !o.argument {
				return 0, nil // that is how curl is without the option
			}
		}
		return 0, refuseUnknown(place)
	case !o.argument:
		return 0, c.apply(o, "")
	case len(next) == 0:
		return 0, refuseMissing(o)
	}
	return 1, c.apply(o, next[0])
}

func refuseUnknown(place int) error {
	return refuseCurl("Word %d of the command is an option that is not known here. Write it out in full if it is shortened, and remove it if the request is the same without it.", place)
}

func refuseMissing(o *option) error {
	return refuseCurl("The option %s lacks its value. Paste the whole command.", o.shown())
}

// apply does what becomes of the option.
func (c *call) apply(o *option, value string) error {
	switch o.fate {
	case silent:
		return nil
	case noted:
		c.note("The option " + o.shown() + " " + o.why)
		return nil
	case refused:
		return refuseCurl("The option %s %s", o.shown(), o.why)
	}
	if readsFile(o.long, value) {
		return refuseCurl("The value of %s names a file (@), and no file is read here. Put what it holds into the command.", o.shown())
	}
	if strings.Contains(value, unknown) && !mayHoldSecret(o.long) {
		return refuseCurl("A variable whose value is not known here stands in the value of %s. Put its value there; an argument of the agent can take its place in the draft.", o.shown())
	}
	return c.take(o, value)
}

// mayHoldSecret reports whether a variable may stand in the value of the option:
// where a secret belongs, it is left out and asked for.
func mayHoldSecret(name string) bool {
	switch name {
	case "header", "user", "oauth2-bearer", "cookie":
		return true
	}
	return false
}

// readsFile reports whether curl would read a file for the value of the option.
func readsFile(name, value string) bool {
	switch name {
	case "data", "data-ascii", "data-binary", "json", "header", "url":
		return strings.HasPrefix(value, "@")
	case "data-urlencode", "url-query":
		before, _, found := strings.Cut(value, "=")
		raw := name == "url-query" && strings.HasPrefix(value, "+")
		return !found && !raw && strings.Contains(before, "@")
	case "cookie":
		text := value == "" || strings.ContainsAny(value, "="+unknown)
		return !text || strings.HasPrefix(value, "@")
	}
	return false
}

// take puts the value of an option into its place.
func (c *call) take(o *option, value string) error {
	switch o.long {
	case "request":
		c.method = value
	case "url":
		c.addresses = append(c.addresses, value)
	case "header":
		c.headers = append(c.headers, value)
	case "data", "data-ascii", "data-binary", "data-raw":
		c.addData("&", value)
	case "data-urlencode":
		c.addData("&", urlEncoded(value))
	case "json":
		c.asJSON = true
		c.addData("", value)
	case "url-query":
		if raw, ok := strings.CutPrefix(value, "+"); ok {
			value = raw
		} else {
			value = urlEncoded(value)
		}
		c.query = append(c.query, value)
	case "max-time":
		return c.setSeconds(value)
	case "range":
		return c.setRange(value)
	default:
		c.takeOnce(o, value)
	}
	return nil
}

// takeOnce is take for options of which the last one counts, and for cookies.
func (c *call) takeOnce(o *option, value string) {
	switch o.long {
	case "get":
		c.asQuery = true
	case "head":
		c.onlyHead = true
	case "globoff":
		c.literal = true
	case "user":
		c.user = &value
	case "oauth2-bearer":
		c.bearer = value
	case "user-agent":
		c.agent = value
	case "referer":
		c.referer = strings.TrimSuffix(value, ";auto")
	case "cookie":
		if value != "" {
			c.cookies = append(c.cookies, value)
		}
	}
}

func (c *call) addData(between, value string) {
	if c.data.Len() > 0 {
		c.data.WriteString(between)
	}
	c.data.WriteString(value)
	c.hasData = true
}

// setSeconds reads -m, which takes fractions; 0 is for ever.
func (c *call) setSeconds(value string) error {
	seconds, err := strconv.ParseFloat(value, 64)
	if err != nil || !(seconds >= 0 && seconds < math.MaxInt32) {
		return refuseCurl("The value of -m is not a number of seconds. Correct or remove it.")
	}
	c.seconds = int(math.Ceil(seconds))
	return nil
}

// setRange reads -r. Without a hyphen, curl takes the number in front for the byte to
// begin at.
func (c *call) setRange(value string) error {
	c.parts = value
	digits := len(value) - len(strings.TrimLeft(value, "0123456789"))
	if digits == 0 || strings.Contains(value, "-") {
		return nil
	}
	from, err := strconv.ParseInt(value[:digits], 10, 64)
	if err != nil {
		return refuseCurl("The value of -r is a number that is too great. Correct or remove it.")
	}
	c.parts = strconv.FormatInt(from, 10) + "-"
	return nil
}

// urlEncoded does what --data-urlencode does: content, =content or name=content,
// of which the content is encoded.
func urlEncoded(value string) string {
	name, content, found := strings.Cut(value, "=")
	switch {
	case !found:
		return url.QueryEscape(value)
	case name == "":
		return url.QueryEscape(content)
	}
	return name + "=" + url.QueryEscape(content)
}
