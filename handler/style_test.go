package main

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// source is one Go file of the repository.
type source struct {
	path  string // from the root of the repository, with slashes
	dir   string
	lines int
	set   *token.FileSet
	file  *ast.File
}

func (s *source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

// where names a place in the file.
func (s *source) where(n ast.Node) string { return s.set.Position(n.Pos()).String() }

// sources parses every Go file of the repository.
func sources(t *testing.T) []*source {
	t.Helper()
	var out []*source
	root := os.DirFS("..")
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); path != "." && (strings.HasPrefix(name, ".") || name == "testdata" || name == "bin" || name == "dist") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		data, err := fs.ReadFile(root, path)
		if err != nil {
			return err
		}
		s := &source{path: path, dir: filepath.ToSlash(filepath.Dir(path)), lines: bytes.Count(data, []byte("\n")), set: token.NewFileSet()}
		s.file, err = parser.ParseFile(s.set, path, data, parser.ParseComments)
		out = append(out, s)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 50 {
		t.Fatalf("only %d files were found", len(out))
	}
	return out
}

func TestNoFileIsLong(t *testing.T) {
	var lines []int
	for _, s := range sources(t) {
		if s.lines > 500 {
			t.Errorf("%s has %d lines; at most 500 are read in one go", s.path, s.lines)
		}
		if !s.isTest() {
			lines = append(lines, s.lines)
		}
	}
	slices.Sort(lines)
	t.Logf("%d files without tests, lines: median %d, p90 %d, longest %d", len(lines), rank(lines, 50), rank(lines, 90), lines[len(lines)-1])
}

// rank returns the value that percent of the sorted values do not exceed.
func rank(sorted []int, percent int) int { return sorted[(len(sorted)-1)*percent/100] }

func TestFunctionsAreShort(t *testing.T) {
	var lines []int
	for _, s := range sources(t) {
		if s.isTest() {
			continue
		}
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				n := s.set.Position(f.End()).Line - s.set.Position(f.Pos()).Line + 1
				if lines = append(lines, n); n > 60 {
					t.Errorf("%s: %s has %d lines; the longest may have 60", s.where(f), f.Name.Name, n)
				}
			}
		}
	}
	slices.Sort(lines)
	median, p90 := rank(lines, 50), rank(lines, 90)
	t.Logf("%d functions without tests, lines: median %d, p90 %d, longest %d", len(lines), median, p90, lines[len(lines)-1])
	if median > 11 || p90 > 45 {
		t.Errorf("the median may be 11 and the p90 45 lines; they are %d and %d", median, p90)
	}
}

func TestEveryExportedNameIsDocumented(t *testing.T) {
	packages := map[string]bool{}
	for _, s := range sources(t) {
		if s.isTest() {
			continue
		}
		packages[s.dir] = packages[s.dir] || s.file.Doc != nil
		for _, d := range s.file.Decls {
			for _, name := range undocumented(d) {
				t.Errorf("%s: %s has no doc comment", s.where(name), name.Name)
			}
		}
	}
	for dir, documented := range packages {
		if !documented {
			t.Errorf("%s: the package has no doc comment", dir)
		}
	}
}

// undocumented lists the exported names of a declaration that nothing is said
// about. A comment over a group counts for all of it.
func undocumented(d ast.Decl) []*ast.Ident {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Doc == nil && d.Name.IsExported() && (d.Recv == nil || receiver(d).IsExported()) {
			return []*ast.Ident{d.Name}
		}
	case *ast.GenDecl:
		var out []*ast.Ident
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				if d.Doc == nil && spec.Doc == nil && spec.Name.IsExported() {
					out = append(out, spec.Name)
				}
			case *ast.ValueSpec:
				if d.Doc == nil && spec.Doc == nil && spec.Comment == nil {
					out = append(out, slices.DeleteFunc(slices.Clone(spec.Names), func(n *ast.Ident) bool { return !n.IsExported() })...)
				}
			}
		}
		return out
	}
	return nil
}

// receiver returns the type that a method belongs to. The methods of a type that
// is not exported are for an interface, which says what they do.
func receiver(d *ast.FuncDecl) *ast.Ident {
	expr := d.Recv.List[0].Type
	for {
		switch e := expr.(type) {
		case *ast.StarExpr:
			expr = e.X
		case *ast.IndexExpr:
			expr = e.X
		case *ast.IndexListExpr:
			expr = e.X
		case *ast.Ident:
			return e
		default:
			return ast.NewIdent("")
		}
	}
}

func TestInterfacesAreSmall(t *testing.T) {
	for _, s := range sources(t) {
		if s.isTest() {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if i, ok := n.(*ast.InterfaceType); ok && i.Methods.NumFields() > 4 {
				t.Errorf("%s: an interface with %d methods; at most four", s.where(i), i.Methods.NumFields())
			}
			return true
		})
	}
}

// calls lists the directories below handler/ that use a name of the given
// selectors, such as x.Reveal.
func calls(t *testing.T, matches func(*ast.SelectorExpr) bool) []string {
	t.Helper()
	found := map[string]bool{}
	for _, s := range sources(t) {
		if s.isTest() || !strings.HasPrefix(s.path, "handler/") {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && matches(sel) {
				found[strings.TrimPrefix(strings.TrimPrefix(s.dir, "handler"), "/")] = true
			}
			return true
		})
	}
	return slices.Sorted(maps.Keys(found))
}

// Reveal is the only way out of a Secret. Whoever needs it says here what for.
func TestWhoRevealsSecrets(t *testing.T) {
	reasons := map[string]string{
		"":           "hands the connection string to the tables",
		"callout":    "validates values, encodes the bundle for the vault, and fills in token requests",
		"credential": "puts the credential into the request that is sent",
		"keyring":    "derives subkeys from the deployment's key",
		"keyvault":   "sends what is to be kept",
		"localstore": "seals what it writes",
		"redact":     "looks for the values in what leaves",
		"request":    "puts secret values, headers and endpoints into the request that is sent",
		"secret":     "measures its own length",
		"storetest":  "compares what a vault gives back",
		"token":      "puts the client's secrets into the token request, and seals what it stores",
		"webhook":    "signs what it posts",
	}
	got := calls(t, func(sel *ast.SelectorExpr) bool { return sel.Sel.Name == "Reveal" })
	for _, dir := range got {
		if reasons[dir] == "" {
			t.Errorf("%s reveals secrets; say here what for, or do without", dir)
		}
	}
	for dir := range reasons {
		if _, err := os.Stat(dir); err == nil && !slices.Contains(got, dir) {
			t.Errorf("%s no longer reveals secrets; take it off this list", dir)
		}
	}
}

func TestOnlyMainReadsTheEnvironment(t *testing.T) {
	got := calls(t, func(sel *ast.SelectorExpr) bool {
		from, ok := sel.X.(*ast.Ident)
		return ok && from.Name == "os" && slices.Contains([]string{"Getenv", "LookupEnv", "Environ", "ExpandEnv"}, sel.Sel.Name)
	})
	if want := []string{"", "cmd/package"}; !slices.Equal(got, want) { // which passes it on to the compiler
		t.Errorf("the environment is read by %q, and may be by %q", got, want)
	}
}

func TestNothingIsLeftToDo(t *testing.T) {
	for _, s := range sources(t) {
		for _, group := range s.file.Comments {
			for _, word := range []string{"TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"} {
				if strings.Contains(group.Text(), word) {
					t.Errorf("%s: a comment says %s; do it, or open an issue", s.where(group), word)
				}
			}
		}
	}
}
