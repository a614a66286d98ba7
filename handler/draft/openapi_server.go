package draft

import (
	"fmt"
	"net/url"
	"strings"

	"callout/handler/callout"
	"callout/handler/draft/tree"
)

// readServer takes the first absolute https URL of the servers nearest to the
// operation, or the first http one. The reason is why there is none: a host is
// never made up.
func (o *operation) readServer() (reason string) {
	servers := nearest("servers", o.node, o.item, o.doc.root)
	reason = "The document does not say on which host the API is: its servers are missing or relative. Write the base URL of the API, beginning with https://, as the first of its servers, and import it again."
	for i, server := range servers {
		if i >= maxServers {
			break
		}
		base, filled, problem := serverURL(server)
		if problem != "" {
			reason = problem
			continue
		}
		if o.base == "" || strings.HasPrefix(o.base, "http:") && strings.HasPrefix(base, "https:") {
			o.base, reason = base, ""
			o.noteServer(len(servers), filled)
		}
	}
	if o.base == "" {
		return reason
	}
	if strings.HasPrefix(o.base, "http:") {
		o.notes.add("The server is given as plain http, which Callout calls only on a private network that its settings allow. Write https if the API has it.")
	}
	return ""
}

// maxServers is how many are looked at.
const maxServers = 20

func (o *operation) noteServer(servers int, filled bool) {
	if servers > 1 {
		o.notes.add("The document names %d servers. The draft calls the first that is an absolute https URL; check that it is yours.", servers)
	}
	if filled {
		o.notes.add("The server's URL has variables. Their defaults are filled in; check that host and path are yours.")
	}
}

// nearest returns the elements of the list that the first of nodes has.
func nearest(name string, nodes ...*tree.Node) []*tree.Node {
	for _, n := range nodes {
		if list := n.Get(name); list.Len() > 0 {
			return list.Elements()
		}
	}
	return nil
}

// serverURL fills in the variables of a server's URL. The problem says why it
// cannot be called.
func serverURL(server *tree.Node) (base string, filled bool, problem string) {
	text := server.Get("url").Text()
	for name, variable := range server.Get("variables").Members() {
		if !strings.Contains(text, "{"+name+"}") {
			continue
		}
		value := variable.Get("default")
		if value.Kind() == tree.None {
			return "", false, "The server's URL has a variable without a default. Give it one that is right for you, and import the document again."
		}
		text, filled = strings.ReplaceAll(text, "{"+name+"}", value.Scalar()), true
		if len(text) > callout.MaxEndpoint {
			return "", false, fmt.Sprintf("The server's URL is longer than %d characters.", callout.MaxEndpoint)
		}
	}
	u, err := url.Parse(text)
	switch {
	case strings.ContainsAny(text, "{}"):
		return "", false, "The server's URL has a variable that the document does not explain. Write its value in its place, and import the document again."
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
		return "", false, "The server's URL is not absolute, so the host is not known. Write the base URL of the API, beginning with https://, as the first of the document's servers, and import it again."
	case u.RawQuery != "" || u.Fragment != "":
		return "", false, "The server's URL has a query or a fragment, behind which no path can be put. Remove it, and import the document again."
	}
	return strings.TrimRight(text, "/"), filled, ""
}

// readPath takes the path apart. Its parameters become inputs, in its order; what
// they accept, readParameters adds.
func (o *operation) readPath() (reason string) {
	path, _, hasFragment := strings.Cut(o.path, "#")
	if hasFragment {
		o.notes.add("The path in the document has a fragment (#), which tells operations on the same path apart and is never sent. The draft goes without.")
	}
	path, query, hasQuery := strings.Cut(path, "?")
	if hasQuery {
		if strings.ContainsAny(query, "{}") {
			return "Its path has a query with something to be filled in. Declare that as parameters of the query, and import the document again."
		}
		o.query = append(o.query, literalText(query, inQueryText))
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	for path != "" {
		literal, rest, found := strings.Cut(path, "{")
		name, after, closed := strings.Cut(rest, "}")
		if strings.Contains(literal, "}") || found && (!closed || strings.Contains(name, "{") || name == "") {
			return "Its path is not one of OpenAPI: it holds braces that do not name a parameter. Correct it, and import the document again."
		}
		o.pathParts = append(o.pathParts, pathPart{literal: literalText(literal, inPathText)})
		if found {
			o.pathParts = append(o.pathParts, pathPart{input: o.pathInput(name)})
		}
		path = after
	}
	return ""
}

// pathInput returns the input for a parameter of the path, which may stand there
// more than once.
func (o *operation) pathInput(name string) *input {
	for _, in := range o.inputs {
		if in.key == name {
			return in
		}
	}
	in := o.input(callout.InPath, name, name, "path")
	in.Type, in.Required = callout.TypeString, true
	return in
}

// Characters that stay as they are in a path and in a query, besides letters and
// digits. Brackets do in neither (RFC 3986, section 3.3 and 3.4).
const (
	inPathText  = "-._~!$&'()*+,;=:@/%"
	inQueryText = "-._~!$'()*,;:@/?=&+%"
)

// literalText percent-encodes what may not stand in a URL, and a percent sign that
// begins no escape.
func literalText(s, asItIs string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		plain := isLower(rune(c)) || isUpper(rune(c)) || isDigit(rune(c)) || strings.IndexByte(asItIs, c) >= 0
		if _, err := url.PathUnescape(s[i:min(i+3, len(s))]); c == '%' && err != nil {
			plain = false
		}
		if plain {
			out.WriteByte(c)
		} else {
			fmt.Fprintf(&out, "%%%02X", c)
		}
	}
	return out.String()
}

// queryText writes a name or a value of the query.
func queryText(s string) string { return literalText(s, "-._~!$'()*,;:@/?") }
