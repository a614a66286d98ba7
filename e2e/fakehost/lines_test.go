package fakehost

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestLevels(t *testing.T) {
	h := start(t, "echo", everything(), Options{})
	tests := []struct {
		rule, stream, text string
		want               Level
	}{
		{"stdout is information", "stdout", "done", Information},
		{"whatever it says", "stdout", "ERROR: warn", Information},
		{"a level in JSON is not read", "stdout", `{"level":"ERROR"}`, Information},
		{"stderr is an error", "stderr", "done", Error},
		{"even when it says otherwise", "stderr", `{"level":"INFO"}`, Error},
		{"unless it contains warn", "stderr", "a warning", Warning},
		{"in any case", "stderr", `{"level":"WARN"}`, Warning},
		{"and anywhere", "stderr", "Prewarned", Warning},
	}
	for _, test := range tests {
		request := "POST /api/log?to=%s HTTP/1.1\nContent-Length: %d\n\n%s\n"
		statusOf(t, h, fmt.Sprintf(request, test.stream, len(test.text)+1, test.text))
	}
	// What the handler wrote is complete when its process is gone.
	if err := h.Stop(); err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			want := Line{Level: test.want, Text: test.text, Stream: Stream(test.stream)}
			if lines := h.Logs(); !slices.Contains(lines, want) {
				t.Errorf("%+v is not in %+v", want, lines)
			}
		})
	}
}

func TestOneLineIsOneMessage(t *testing.T) {
	tests := []struct {
		rule   string
		writes []string
		want   []string
	}{
		{"several in one write", []string{"a\nb\n"}, []string{"a", "b"}},
		{"one in several writes", []string{"a", "b", "c\n"}, []string{"abc"}},
		{"a carriage return belongs to the end", []string{"a\r\n"}, []string{"a"}},
		{"an empty line is one", []string{"\n\n"}, []string{"", ""}},
		{"the last may have no end", []string{"a\nb"}, []string{"a", "b"}},
		{"a long one is not cut", []string{strings.Repeat("x", 1<<17), "\n"}, []string{strings.Repeat("x", 1<<17)}},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			recorder := &recorder{}
			w := &lineWriter{recorder: recorder, stream: Stdout}
			for _, text := range test.writes {
				if n, err := w.Write([]byte(text)); n != len(text) || err != nil {
					t.Fatal(n, err)
				}
			}
			w.flush()
			var got []string
			for _, line := range recorder.all() {
				got = append(got, line.Text)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q", got)
			}
		})
	}
}
