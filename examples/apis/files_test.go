package apis_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"callout/handler/callout"
)

// names lists the configurations of this folder.
func names(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are %d files, %v", len(files), err)
	}
	for i := range files {
		files[i] = strings.TrimSuffix(files[i], ".json")
	}
	return files
}

func TestTheReadmeListsEveryFile(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, link := range regexp.MustCompile(`(?m)^\| \[(\w+)\]\((\w+)\.json\) \|`).FindAllStringSubmatch(string(readme), -1) {
		if link[1] != link[2] {
			t.Errorf("%s leads to %s", link[1], link[2])
		}
		listed = append(listed, link[2])
	}
	slices.Sort(listed)
	if want := names(t); !slices.Equal(listed, want) {
		t.Errorf("the README lists %q, want %q", listed, want)
	}
}

// A file is accepted as it stands, asks for approval, keeps as a secret whatever
// is marked as one, and can be read and put back.
func TestEveryFileIsValid(t *testing.T) {
	for _, name := range names(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, name)
			created := s.want(http.StatusCreated, "POST", "/configs", s.document)
			config := &callout.Config{}
			s.decode(created, config)
			if config.Name != name || config.Approval != callout.ApprovalRequired || !config.Enabled || config.Instructions == "" {
				t.Errorf("stored is %s", created)
			}
			s.wantClean("the configuration", string(created))
			marked := len(secretValue.FindAllString(s.document, -1))
			if marked == 0 || len(config.Secrets) < marked {
				t.Errorf("%d values are marked as secrets, and %d kept as such", marked, len(config.Secrets))
			}
			again := &callout.Config{}
			s.decode(s.want(http.StatusOK, "PUT", "/configs/"+name, string(created)), again)
			if again.ETag != config.ETag {
				t.Error("what was read is not what is put back")
			}
		})
	}
}

// A file that nobody plays is a promise that nobody keeps.
func TestEveryFileIsPlayed(t *testing.T) {
	tests, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var source strings.Builder
	for _, file := range tests {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(data)
	}
	for _, name := range names(t) {
		if !strings.Contains(source.String(), `open(t, "`+name+`", `) {
			t.Errorf("no test plays %s", name)
		}
	}
}

// What a reader sees first is the same in each file.
func TestFilesAreWrittenAlike(t *testing.T) {
	for _, name := range names(t) {
		data, err := os.ReadFile(name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var raw json.RawMessage = data
		indented, err := json.MarshalIndent(raw, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		plain := strings.NewReplacer(`\u0026`, "&", `\u003c`, "<", `\u003e`, ">").Replace(string(indented))
		if plain != strings.TrimSuffix(string(data), "\n") {
			t.Errorf("%s.json is not indented by two spaces", name)
		}
	}
}
