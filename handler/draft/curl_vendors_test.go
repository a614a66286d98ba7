package draft_test

import (
	"fmt"
	"strings"
	"testing"

	"callout/handler/callout"
	"callout/handler/draft"
	"callout/handler/request"
)

// printed is a command as a vendor's documentation, or a browser, prints it.
type printed struct {
	name    string
	command string
	// arguments are what cmd hands to curl, for a command that no shell here reads.
	arguments []string
	variables []string          // of the shell
	secrets   map[string]string // that a draft lacks, by path
	given     request.Arguments // for fields without a default
	draft     string            // what it becomes, as outline writes it
}

func TestWhatVendorsPrintIsWhatCalloutSends(t *testing.T) {
	w := newWorld(t)
	if n := len(vendors()) + len(browsers()) + len(options()); n < 60 {
		t.Errorf("only %d commands", n)
	}
	for _, rows := range [][]printed{vendors(), browsers(), options()} {
		for _, tt := range rows {
			t.Run(tt.name, func(t *testing.T) { tt.check(t, w) })
		}
	}
}

func (tt *printed) check(t *testing.T, w *world) {
	drafts, err := draft.FromCurl(tt.command)
	if err != nil {
		t.Fatal(err)
	}
	if len(drafts) != 1 {
		t.Fatalf("%d drafts", len(drafts))
	}
	c := drafts[0].Config
	if got := outline(c); got != tt.draft {
		t.Errorf("the draft is\n%s\nwant\n%s", got, tt.draft)
	}
	if c.Approval != callout.ApprovalRequired || !c.Enabled || c.Description == "" {
		t.Errorf("approval %s, enabled %v, description %q", c.Approval, c.Enabled, c.Description)
	}
	noted(t, &drafts[0])
	var curl arrival
	if tt.arguments != nil {
		curl = w.byArguments(t, tt.arguments)
	} else {
		curl = w.byShell(t, tt.command, tt.variables)
	}
	same(t, curl, w.byCallout(t, c, bundle(c, tt.secrets), tt.given))
}

// noted checks that the notes ask for every secret, and tell none.
func noted(t *testing.T, d *draft.Draft) {
	t.Helper()
	notes := strings.Join(d.Notes, "\n")
	for path, value := range d.Config.Given() {
		if !strings.Contains(notes, "The value of "+path+" has to be given") {
			t.Errorf("no note asks for %s", path)
		}
		if len(value.Reveal()) > 0 && strings.Contains(notes, value.Reveal()) {
			t.Errorf("a note tells the value of %s", path)
		}
	}
	for _, path := range d.Config.Unset() {
		if !strings.Contains(notes, "The value of "+path+" has to be given") {
			t.Errorf("no note asks for %s", path)
		}
	}
}

// outline writes the parts of a draft that a reader looks at first.
func outline(c *callout.Config) string {
	parts := []string{c.Name, c.Method, c.Endpoint, string(c.Auth.Type)}
	if c.EndpointSecret {
		parts[2] += "/…"
	}
	switch {
	case c.Auth.Type == callout.AuthAPIKey:
		parts = append(parts, strings.TrimSpace(c.Auth.Header+" "+c.Auth.Prefix))
	case c.Auth.UsernameSecret:
		parts = append(parts, "(secret)")
	case c.Auth.Type == callout.AuthBasic:
		parts = append(parts, c.Auth.Username)
	}
	for _, h := range c.Headers {
		value := h.Value
		if h.Secret {
			value = "(secret)"
		}
		parts = append(parts, "| "+h.Name+": "+value)
	}
	if c.BodyFormat != "" {
		parts = append(parts, "| "+c.BodyFormat)
	}
	if len(c.Body) > 0 {
		parts = append(parts, "| "+string(c.Body))
	}
	for _, f := range c.Fields {
		parts = append(parts, fmt.Sprintf("| %s %s=%s", f.Name, f.Type, f.Default))
	}
	return strings.Join(parts, " ")
}
