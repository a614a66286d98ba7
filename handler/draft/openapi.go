package draft

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"callout/handler/callout"
	"callout/handler/draft/tree"
)

// InvalidOpenAPI is the code of an OpenAPI document that cannot be imported.
const InvalidOpenAPI = "InvalidOpenAPI"

// Limits of an OpenAPI document, besides those of package tree: 4 MiB, 250,000
// values, 100 levels.
const (
	MaxOperations = 1000
	// maxVisits bounds how many schemas are read, each as often as it is referred
	// to. A thousand operations of a hundred fields stay a fifth below it.
	maxVisits = 500_000
	// maxDrafts bounds what all drafts together take as JSON, in bytes: a document
	// may refer to one long text a thousand times.
	maxDrafts = 16 << 20
)

// FromOpenAPI drafts a configuration from each operation of an OpenAPI 3.0 or 3.1
// document, JSON or YAML, in the order of the document. An operation that cannot be
// a configuration is left out, and a note of the first draft says so.
//
// Nothing but the document is read: a reference that leads out of it is not
// followed. FromOpenAPI fails with InvalidOpenAPI, which says what to do and quotes
// nothing of the document, and with the error of ctx when that ends.
func FromOpenAPI(ctx context.Context, document []byte) ([]Draft, error) {
	root, err := tree.Parse(ctx, document)
	var unreadable *tree.Error
	if errors.As(err, &unreadable) {
		return nil, refuseOpenAPI("", "%s", unreadable.Error())
	}
	if err != nil {
		return nil, err
	}
	d := &openAPI{root: root, names: map[string]bool{}}
	if err := d.checkVersion(); err != nil {
		return nil, err
	}
	operations, err := d.operations()
	if err != nil {
		return nil, err
	}
	for _, o := range operations {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := d.add(o); err != nil {
			return nil, err
		}
	}
	return d.finish()
}

// refuseOpenAPI returns the error that refuses a document. The message is
// Callout's own words and holds nothing of the document.
func refuseOpenAPI(place, format string, args ...any) error {
	fault := callout.Fault{Code: InvalidOpenAPI, Target: strings.TrimSuffix("openapi."+place, "."), Message: fmt.Sprintf(format, args...)}
	return callout.Refuse(InvalidOpenAPI, []callout.Fault{fault})
}

// openAPI is a document that is being imported.
type openAPI struct {
	root    *tree.Node
	visits  int
	size    int             // of the drafts, in bytes
	names   map[string]bool // that are taken
	drafts  []Draft
	leftOut []omission
	notes   []string // that concern the whole document
}

// omission is an operation that became no draft.
type omission struct{ label, target, reason string }

func (d *openAPI) checkVersion() error {
	version := d.root.Get("openapi").Scalar()
	switch {
	case strings.HasPrefix(d.root.Get("swagger").Scalar(), "2"):
		return refuseOpenAPI("swagger", "The document is Swagger 2.0. Convert it to OpenAPI 3 first: editor.swagger.io does it with Edit, Convert to OpenAPI 3, and so does the npm package swagger2openapi.")
	case version == "":
		return refuseOpenAPI("", `The document is not OpenAPI: it does not say "openapi" and a version at its top. Send the OpenAPI document of the API, not a page about it.`)
	case !slices.ContainsFunc([]string{"3.0", "3.1"}, func(known string) bool { return version == known || strings.HasPrefix(version, known+".") }):
		return refuseOpenAPI("openapi", "The document is of a version of OpenAPI that is not read here. Save it as 3.1 or 3.0.")
	}
	return nil
}

// methods are the keys of a path item that make a configuration.
var methods = []string{"get", "post", "put", "patch", "delete"}

// operations lists what may become a draft.
func (d *openAPI) operations() ([]*operation, error) {
	var out []*operation
	other, index := 0, -1
	for path, item := range d.root.Get("paths").Members() {
		index++
		item, problem := d.follow(item)
		if problem != "" {
			d.leftOut = append(d.leftOut, omission{label: "of the path " + shown(path), target: fmt.Sprintf("paths[%d]", index), reason: problem})
		}
		for key, node := range item.Members() {
			switch {
			case slices.Contains(methods, key):
				out = append(out, newOperation(d, path, index, key, item, node))
			case slices.Contains([]string{"head", "options", "trace"}, key):
				other++
			}
		}
		if len(out) > MaxOperations {
			return nil, refuseOpenAPI("paths", "The document has more than %d operations. Cut it into parts, for instance by tag, and import these one by one.", MaxOperations)
		}
	}
	if len(out) == 0 && len(d.leftOut) == 0 {
		return nil, refuseOpenAPI("paths", "The document has no operation that can be imported: there is none below paths with the method get, post, put, patch or delete.")
	}
	if other > 0 {
		d.notes = append(d.notes, fmt.Sprintf("Operations of the document left out, because a configuration has none of the methods HEAD, OPTIONS and TRACE: %d.", other))
	}
	return out, nil
}

// add makes the draft of an operation, or notes why there is none.
func (d *openAPI) add(o *operation) error {
	config, size, reason := o.draft()
	switch {
	case d.visits > maxVisits:
		return refuseOpenAPI("", "References repeat parts of the document so often that it is too large when they are followed. Cut it into parts, for instance by tag, and import these one by one.")
	case reason != "":
		d.leftOut = append(d.leftOut, omission{label: o.label(), target: o.target, reason: reason})
		return nil
	}
	if d.size += size; d.size > maxDrafts {
		return refuseOpenAPI("", "The drafts of this document would be longer than %d bytes together. Cut it into parts, for instance by tag, and import these one by one.", maxDrafts)
	}
	d.drafts = append(d.drafts, Draft{Config: config, Notes: o.notes.list()})
	return nil
}

// finish says with the first draft what became of the rest. Without a draft it
// fails with the reasons, each once.
func (d *openAPI) finish() ([]Draft, error) {
	if len(d.drafts) == 0 {
		return nil, d.refuseAll()
	}
	const most = 20
	notes := &d.drafts[0].Notes
	for i, o := range d.leftOut {
		if i == most {
			*notes = append(*notes, fmt.Sprintf("%d more operations of the document were left out.", len(d.leftOut)-most))
			break
		}
		*notes = append(*notes, fmt.Sprintf("Left out of the document: the operation %s. %s", o.label, o.reason))
	}
	*notes = append(*notes, d.notes...)
	return d.drafts, nil
}

func (d *openAPI) refuseAll() error {
	const most = 20
	var faults []callout.Fault
	for _, o := range d.leftOut {
		same := func(f callout.Fault) bool { return f.Message == o.reason }
		if len(faults) < most && !slices.ContainsFunc(faults, same) {
			faults = append(faults, callout.Fault{Code: InvalidOpenAPI, Target: "openapi." + o.target, Message: o.reason})
		}
	}
	return callout.Refuse(InvalidOpenAPI, faults)
}

// follow returns what a reference leads to, or n itself. The problem says why it
// leads nowhere.
func (d *openAPI) follow(n *tree.Node) (to *tree.Node, problem string) {
	const most = 16
	for range most {
		ref := n.Get("$ref")
		if ref.Kind() != tree.String {
			return n, ""
		}
		if n, problem = d.resolve(ref.Text()); problem != "" {
			return nil, problem
		}
	}
	return nil, "A reference leads back to itself. Correct it in the document, and import it again."
}

// resolve returns what one reference leads to.
func (d *openAPI) resolve(ref string) (to *tree.Node, problem string) {
	pointer, local := strings.CutPrefix(ref, "#")
	if !local {
		return nil, "A reference leads to another document, which is not read. Bundle the documents into one, for instance with the npm package @redocly/cli, and import that."
	}
	if pointer != "" && !strings.HasPrefix(pointer, "/") {
		return nil, "A reference is not a path from the top of the document, such as #/components/schemas/Name. Write it as one, and import the document again."
	}
	if to = d.root.Follow(pointer); to == nil {
		return nil, "A reference leads to something that the document does not hold. Add it, and import the document again."
	}
	return to, ""
}
