package route

import (
	"reflect"
	"testing"

	"callout/functions"
)

// TestTheFilesAreTheTableOfTheDesign holds functions/ against the rows of the
// design (section 2) that are built so far. It names routes a second time on
// purpose: a change of a route or of who may call it is a change of contract.
func TestTheFilesAreTheTableOfTheDesign(t *testing.T) {
	want := []Function{
		{Name: "approvals", Route: "approvals", Methods: []string{"GET"}, AuthLevel: "function"},
		{Name: "approve", Route: "approvals/{id}/approve", Methods: []string{"POST"}, AuthLevel: "function"},
		{Name: "config", Route: "configs/{name}", Methods: []string{"GET", "PUT", "PATCH", "DELETE"}, AuthLevel: "function"},
		{Name: "configs", Route: "configs", Methods: []string{"GET", "POST"}, AuthLevel: "function"},
		{Name: "deny", Route: "approvals/{id}/deny", Methods: []string{"POST"}, AuthLevel: "function"},
		{Name: "execute", Route: "execute/{name}", Methods: []string{"POST"}, AuthLevel: "function"},
		{Name: "execution", Route: "executions/{id}", Methods: []string{"GET"}, AuthLevel: "function"},
		{Name: "executions", Route: "executions", Methods: []string{"GET"}, AuthLevel: "function"},
		{Name: "health", Route: "health", Methods: []string{"GET"}, AuthLevel: "anonymous"},
		{Name: "import", Route: "import", Methods: []string{"POST"}, AuthLevel: "function"},
		{Name: "openapi", Route: "openapi.json", Methods: []string{"GET"}, AuthLevel: "anonymous"},
		{Name: "sweep", Timer: "0 */5 * * * *"},
		{Name: "test", Route: "configs/{name}/test", Methods: []string{"POST"}, AuthLevel: "function"},
		{Name: "test-draft", Route: "test", Methods: []string{"POST"}, AuthLevel: "function"},
	}
	got, err := Load(functions.FS)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("functions/ is\n%v\nthe design says\n%v", got, want)
	}
}
