package canary

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"strings"
	"testing"
)

// The search is only worth something if it finds what is there: each kind of
// secret, in each encoding, whole and in part, in what Callout answers.
func TestTheSearchFinds(t *testing.T) {
	for _, n := range append(natures, longest) {
		g := newGarden(1)
		value := g.secret("somebody", n, anything)
		other := newGarden(2)
		other.secret("nobody", n, anything)
		for _, e := range encodings {
			text := document{"response": document{"body": "before " + e.encode(value) + " after"}}.String()
			if _, ok := g.needles.find(text); !ok {
				t.Errorf("%s, %s: not found in %.300s", n, e.name, text)
			}
			if got, ok := other.needles.find(text); ok {
				t.Errorf("%s, %s: %v was found, and is not there", n, e.name, got)
			}
		}
	}
}

func TestTheSearchFindsParts(t *testing.T) {
	g := newGarden(1)
	value := g.secret("somebody", nasty, anything)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte(`{"a": "` + byNumber(value)))
	_ = z.Close()
	for name, text := range map[string]string{
		"the first half of a marker": value[:markerLength/2], "the second half": "x" + value[markerLength/2:markerLength] + "y",
		"the middle": value[3 : markerLength-2], "the end": value[len(value)-window:],
		"a part in base64": inBase64(base64.StdEncoding, 1)(value[2 : markerLength-2]), "packed": packed.String(), "packed, in base64": inBase64(base64.StdEncoding, 0)(packed.String()),
		"in three encodings": inJSON(allPercent(byNumber(value))),
	} {
		if _, ok := g.needles.find(text); !ok {
			t.Errorf("%s was not found in %q", name, text)
		}
	}
	for name, text := range map[string]string{"less than half a marker": value[:markerLength/2-1], "nothing": strings.Repeat("[secret] ", 50)} {
		if got, ok := g.needles.find(text); ok {
			t.Errorf("%s: %v was found in %q", name, got, text)
		}
	}
}
