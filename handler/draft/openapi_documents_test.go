package draft_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"callout/handler/callout"
	"callout/handler/draft"
	"callout/handler/request"
	"callout/handler/secret"
)

var update = flag.Bool("update", false, "write what comes out to testdata/openapi")

// documents are written for these tests, and as large as real ones: a help desk
// (3.0, YAML), remote monitoring (3.1, JSON) and a CRM (3.0, JSON).
var documents = map[string]int{"helpdesk.yaml": 70, "rmm.json": 58, "crm.json": 69}

func readDocument(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "openapi", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// draftNamed imports a document and returns one of its drafts.
func draftNamed(t *testing.T, document, name string) draft.Draft {
	t.Helper()
	drafts := imported(t, readDocument(t, document))
	i := slices.IndexFunc(drafts, func(d draft.Draft) bool { return d.Config.Name == name })
	if i < 0 {
		t.Fatalf("%s has no draft %s", document, name)
	}
	return drafts[i]
}

func TestDocuments(t *testing.T) {
	for name, operations := range documents {
		drafts := imported(t, readDocument(t, name))
		if len(drafts) != operations {
			t.Errorf("%s: %d drafts, want %d", name, len(drafts), operations)
		}
		for _, d := range drafts {
			if len(d.Notes) == 0 && len(d.Config.Unset()) > 0 {
				t.Errorf("%s: %s has nothing to say about its secrets", name, d.Config.Name)
			}
			if d.Config.Description == "" {
				t.Errorf("%s: %s has no description", name, d.Config.Name)
			}
		}
	}
}

// The same document gives the same drafts, in the same order.
func TestDocumentsGiveTheSameEachTime(t *testing.T) {
	for name := range documents {
		document := readDocument(t, name)
		first := asJSON(t, imported(t, document))
		for range 3 {
			if !bytes.Equal(asJSON(t, imported(t, document)), first) {
				t.Errorf("%s gives something else", name)
			}
		}
	}
}

func asJSON(t *testing.T, v any) []byte {
	t.Helper()
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Some drafts as a whole. Run with -update to write them anew, and read them.
func TestWholeDrafts(t *testing.T) {
	for name, document := range map[string]string{
		"create_ticket": "helpdesk.yaml", "list_tickets": "helpdesk.yaml", "add_organization_member": "helpdesk.yaml",
		"devices_register": "rmm.json", "devices_update": "rmm.json", "account_audit": "rmm.json",
		"tickets_create_entity_of_this_type_in": "crm.json", "contacts_query_entities_by_o_data": "crm.json", "post_v1_0_leads_webform": "crm.json",
	} {
		t.Run(name, func(t *testing.T) {
			d := draftNamed(t, document, name)
			got := []byte(sketch(d.Config) + "\n\n" + d.Config.Description + "\n\n" + strings.Join(d.Notes, "\n") + "\n")
			path := filepath.Join("testdata", "openapi", name+".draft.txt")
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%v: it is not what %s holds, but\n%s", err, path, got)
			}
		})
	}
}

// What the drafts send, when their arguments are filled in.
func TestRequestsOfDrafts(t *testing.T) {
	for _, tt := range []struct{ document, name, arguments, url, body, headers string }{
		{document: "helpdesk.yaml", name: "list_tickets", arguments: `{"page_size": 10, "page_after": "a&b=c", "filter_status": "open", "tags": ["x y", "z"], "sort_by": "status"}`,
			url: "https://demo.harbordesk.example/api/v2/tickets?page%5Bsize%5D=10&page%5Bafter%5D=a%26b%3Dc&filter%5Bstatus%5D=open&tags%5B%5D=x+y&tags%5B%5D=z&sort_by=status&sort_order=desc&include_archived=false"},
		{document: "helpdesk.yaml", name: "create_ticket", arguments: `{"subject": "Printer \"{{x}}\"", "comment": {"body": "On fire"}, "tags": ["a"], "Idempotency-Key": "k-1"}`,
			url:     "https://demo.harbordesk.example/api/v2/tickets",
			body:    `{"ticket":{"subject":"Printer \"{{x}}\"","tags":["a"],"comment":{"body":"On fire"}}}`,
			headers: "Idempotency-Key: k-1\nContent-Type: application/json"},
		{document: "helpdesk.yaml", name: "create_many_tickets", arguments: `{"items": [{"subject": "a"}, {}]}`, url: "https://demo.harbordesk.example/api/v2/tickets/create_many", body: `[{"subject":"a"},{}]`},
		{document: "helpdesk.yaml", name: "add_organization_member", arguments: `{"organization_id": 7, "user_id": 8, "view": ["a", "b"], "metadata_source": "hr & co"}`,
			url: "https://demo.harbordesk.example/api/v2/organizations/7/memberships", body: "user_id=8&view=a&view=b&metadata%5Bsource%5D=hr+%26+co", headers: "Content-Type: application/x-www-form-urlencoded"},
		{document: "rmm.json", name: "devices_update", arguments: `{"deviceUid": "d 1", "X-Tenant-Id": "t", "maintenance": true}`,
			url: "https://merlot-api.beaconrmm.example:443/v2/devices/d%201?api-version=2025-02-01", body: `{"maintenance":true}`, headers: "X-Tenant-Id: t\nContent-Type: application/merge-patch+json"},
		{document: "rmm.json", name: "alerts_raise", arguments: `{"X-Tenant-Id": "t", "priority": "low", "message": "m"}`,
			url: "https://merlot-api.beaconrmm.example:443/v2/alerts?api-version=2025-02-01", body: `{"source":"api","priority":"low","message":"m"}`},
		{document: "rmm.json", name: "devices_list", arguments: `{"X-Tenant-Id": "t", "filter": "status eq 'offline'", "select": "uid,hostname"}`,
			url: "https://merlot-api.beaconrmm.example:443/v2/devices?api-version=2025-02-01&$filter=status+eq+%27offline%27&$select=uid%2Chostname&$top=100"},
		{document: "rmm.json", name: "reports_download", arguments: `{"X-Tenant-Id": "t", "kind": "uptime", "format": "csv", "from": "2026-01-01"}`,
			url: "https://merlot-api.beaconrmm.example:443/v2/reports/uptime.csv?api-version=2025-02-01&from=2026-01-01"},
		{document: "crm.json", name: "tickets_notes_create_child_entity_of", arguments: `{"parentId": 9, "title": "t", "description": "d"}`,
			url: "https://webservices5.meridiancrm.example/atservicesrest/V1.0/Tickets/9/Notes", body: `{"title":"t","description":"d","publish":1,"noteType":1}`,
			headers: "UserName: " + secret.Mask + "\nSecret: " + secret.Mask},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := draftNamed(t, tt.document, tt.name).Config
			url, body, headers := sent(t, c, tt.arguments)
			if url != tt.url || body != tt.body {
				t.Errorf("sent to\n%s\nwant\n%s\nwith %s\nwant %s", url, tt.url, body, tt.body)
			}
			for line := range strings.SplitSeq(tt.headers, "\n") {
				if name, value, ok := strings.Cut(line, ": "); ok && headers[name] != value {
					t.Errorf("%s is %q, want %q", name, headers[name], value)
				}
			}
		})
	}
}

// sent makes the request of a configuration without its secrets.
func sent(t *testing.T, c *callout.Config, arguments string) (url, body string, headers map[string]string) {
	t.Helper()
	template, faults := request.Compile(c)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	var args request.Arguments
	dec := json.NewDecoder(strings.NewReader(arguments))
	dec.UseNumber()
	if err := dec.Decode(&args); err != nil {
		t.Fatal(err)
	}
	if faults := template.Validate(args); len(faults) > 0 {
		t.Fatal(faults)
	}
	req, err := template.Build(t.Context(), c, args)
	if err != nil {
		t.Fatal(err)
	}
	headers = map[string]string{}
	for name := range req.Header {
		headers[name] = req.Header.Get(name)
	}
	headers["UserName"], headers["Secret"] = req.Header.Get("UserName"), req.Header.Get("Secret")
	if req.Body != nil {
		data, err := io.ReadAll(req.Body)
		if err != nil {
			t.Fatal(err)
		}
		body = string(data)
	}
	return req.URL.String(), body, headers
}
