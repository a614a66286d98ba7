package draft_test

import (
	"strings"
	"testing"

	"callout/handler/callout"
	"callout/handler/draft"
	"callout/handler/request"
)

// Any text is refused with a reason, or becomes a draft that is a valid
// configuration, from which requests can be made.
func FuzzFromCurl(f *testing.F) {
	for _, rows := range [][]printed{vendors(), browsers(), options()} {
		for _, tt := range rows {
			f.Add(tt.command)
		}
	}
	for _, rows := range refused() {
		for _, tt := range rows {
			if len(tt.command) < 1000 {
				f.Add(tt.command)
			}
		}
	}
	f.Fuzz(func(t *testing.T, command string) {
		drafts, err := draft.FromCurl(command)
		if err != nil {
			checkRefusal(t, command, err)
			return
		}
		for i := range drafts {
			checkDraft(t, &drafts[i])
		}
	})
}

func checkDraft(t *testing.T, d *draft.Draft) {
	t.Helper()
	c := d.Config
	if faults := c.Validate(c.Unset()); len(faults) > 0 {
		t.Fatalf("the draft is not valid: %v", faults)
	}
	template, faults := request.Compile(c)
	if len(faults) > 0 {
		t.Fatalf("the draft does not compile: %v", faults)
	}
	if c.Approval != callout.ApprovalRequired {
		t.Errorf("approval is %s", c.Approval)
	}
	args := template.Examples(nil)
	if faults := template.Validate(args); len(faults) > 0 {
		t.Fatalf("the draft refuses its own defaults: %v", faults)
	}
	req, err := template.Build(t.Context(), c, args)
	if err != nil {
		t.Fatalf("no request can be made: %v", err)
	}
	if req.Method != c.Method || !strings.HasPrefix(req.URL.String(), "http") {
		t.Errorf("the request is %s %s", req.Method, req.URL)
	}
	notes := strings.Join(d.Notes, "\n")
	for path, value := range c.Given() {
		if value.Len() > 40 && strings.Contains(notes, value.Reveal()) {
			t.Errorf("a note tells the value of %s", path)
		}
	}
}
