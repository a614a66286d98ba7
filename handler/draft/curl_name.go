package draft

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"callout/handler/callout"
)

// describe names the configuration after host, method and path, and says what it
// does. Of an endpoint that is a secret, both tell the host only.
func (d *drafting) describe() {
	a, c := d.address, d.config
	words := []string{hostWord(a.authority), strings.ToLower(c.Method)}
	where := a.authority
	if !c.EndpointSecret {
		words = append(words, pathWords(a.path)...)
		if len(a.path) <= 200 && !strings.Contains(a.path, "{") {
			where += a.path
		}
	}
	c.Name = configName(strings.Join(words, "_"))
	c.Description = fmt.Sprintf("Sends a %s request to %s.", c.Method, where)
	d.note("Name and description are made from the address. Say in the description what the call does and when to use it: an agent chooses by that.")
	if len(c.Fields) > 0 {
		d.note("Each field has the value of the command as its default, where there is one. Remove the default and require the field if the agent must give it; to keep the value from the agent, put it into the body template or the endpoint and remove the field.")
	}
}

// hostWord is what tells most about whose API it is: github of api.github.com.
func hostWord(authority string) string {
	host, _, _ := strings.Cut(authority, ":")
	labels := strings.Split(strings.TrimSuffix(strings.ToLower(host), "."), ".")
	n := len(labels)
	switch {
	case n < 2 || strings.Trim(labels[n-1], "0123456789") == "": // a name of one word, or an address
		return labels[0]
	case n > 2 && len(labels[n-2]) <= 3: // as in example.co.uk
		return labels[n-3]
	}
	return labels[n-2]
}

// pathWords gives the segments of a path that are words; not versions, ids or keys.
func pathWords(path string) []string {
	var words []string
	for segment := range strings.SplitSeq(path, "/") {
		word, _, _ := strings.Cut(segment, ".")
		letters := strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_") == ""
		if word != "" && letters && len(word) <= 24 && word != "api" && word != "rest" {
			words = append(words, word)
		}
	}
	return words[max(0, len(words)-3):]
}

func sortedPaths(b callout.Bundle) []string { return slices.Sorted(maps.Keys(b)) }
