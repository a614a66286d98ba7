package egress

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"callout/handler/callout"
)

// zipped returns data compressed with gzip.
func zipped(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(data)
	_ = w.Close()
	return b.Bytes()
}

// noise returns n bytes that do not compress.
func noise(n int) []byte {
	data, x := make([]byte, n), uint32(1)
	for i := range data {
		x = x*1664525 + 1013904223 // the generator of Numerical Recipes
		data[i] = byte(x >> 24)
	}
	return data
}

// encoded returns a handler that answers with body under a Content-Encoding.
func encoded(encoding string, body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Encoding"] = []string{encoding}
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body)
	}
}

func fetch(t *testing.T, address string, limit int64) (Body, error) {
	t.Helper()
	resp, err := get(t, newClient(t, Options{Policy: onLoopback}), context.Background(), address)
	if err != nil {
		t.Fatal(err)
	}
	return ReadBody(resp, limit)
}

func TestReadBody(t *testing.T) {
	text, random := []byte(strings.Repeat("callout ", 100)), noise(300<<10)
	dense := bytes.Repeat([]byte("a"), freeBytes)
	for _, test := range []struct {
		name      string
		handler   http.HandlerFunc
		limit     int64
		want      []byte
		truncated bool
	}{
		{"plain", encoded("identity", text), 1000, text, false},
		{"exactly as much as may be", encoded("", text), 800, text, false},
		{"one byte more", encoded("", text), 799, text[:799], true},
		{"nothing may be read", encoded("", text), 0, nil, true},
		{"a limit below zero", encoded("", text), -1, nil, true},
		{"no limit to speak of", encoded("", text), 1<<63 - 1, text, false},
		{"gzip", encoded("gzip", zipped(text)), 1000, text, false},
		{"gzip, upper case", encoded(" GZIP ", zipped(text)), 1000, text, false},
		{"gzip under its old name", encoded("x-gzip", zipped(text)), 1000, text, false},
		{"gzip, cut", encoded("gzip", zipped(text)), 10, text[:10], true},
		{"gzip in two parts", encoded("gzip", append(zipped(text[:9]), zipped(text[9:])...)), 1000, text, false},
		{"gzip that does not compress", encoded("gzip", zipped(random)), 1 << 20, random, false},
		{"dense, but short", encoded("gzip", zipped(dense)), 1 << 20, dense, false},
		{"empty", encoded("", nil), 10, nil, false},
		{"empty, said to be gzip", encoded("gzip", nil), 10, nil, false},
		{"empty, in an unknown encoding", encoded("br", nil), 10, nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			body, err := fetch(t, serve(t, test.handler).URL, test.limit)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(body.Data, test.want) || body.Size != int64(len(test.want)) || body.Truncated != test.truncated {
				t.Errorf("got %d bytes, size %d, truncated %t; want %d bytes, truncated %t",
					len(body.Data), body.Size, body.Truncated, len(test.want), test.truncated)
			}
		})
	}
}

func TestReadBodyFaults(t *testing.T) {
	text := []byte(strings.Repeat("callout ", 100))
	good := zipped(text)
	flipped := bytes.Clone(good)
	flipped[len(flipped)-8] ^= 1 // in the checksum
	corrupt := bytes.Clone(good)
	corrupt[10] = 0xff // a type of block that does not exist
	bomb := zipped(make([]byte, 4<<20))

	tooLarge, notValid := callout.ResponseTooLarge, callout.InvalidResponse
	for _, test := range []struct {
		name    string
		handler http.HandlerFunc
		code    callout.Code
		message string
	}{
		{"bomb", encoded("gzip", bomb), tooLarge, "hundredfold"},
		{"no gzip at all", encoded("gzip", text), notValid, "not valid gzip"},
		{"wrong checksum", encoded("gzip", flipped), notValid, "not valid gzip"},
		{"corrupt", encoded("gzip", corrupt), notValid, "not valid gzip"},
		{"something behind the gzip", encoded("gzip", append(bytes.Clone(good), text...)), notValid, "not valid gzip"},
		{"gzip that ends early", encoded("gzip", good[:len(good)-5]), notValid, "ended before its body was complete"},
		{"gzip that ends in its header", encoded("gzip", good[:5]), notValid, "ended before its body was complete"},
		{"brotli", encoded("br", text), notValid, "other than gzip"},
		{"gzip twice", encoded("gzip, gzip", zipped(good)), notValid, "other than gzip"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := fetch(t, serve(t, test.handler).URL, 4<<20)
			failure{test.code, callout.StageResponse, true, test.message}.check(t, err)
		})
	}
}

func TestReadBodyOfBrokenConnections(t *testing.T) {
	for _, test := range []struct {
		name    string
		raw     string
		message string
	}{
		{"shorter than announced", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", "ended before its body was complete"},
		{"last chunk missing", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n", "ended before its body was complete"},
		{"chunk without a length", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "could not be read"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := fetch(t, "http://"+listen(t, answer(test.raw))+"/", 1000)
			failure{callout.InvalidResponse, callout.StageResponse, true, test.message}.check(t, err)
		})
	}
}

// flood answers with a header and then with the same bytes for ever. The channel
// is closed when the client has hung up.
func flood(t *testing.T, header string, part []byte) (address string, ended chan struct{}) {
	ended = make(chan struct{})
	return listen(t, func(conn *net.TCPConn) {
		answer(header)(conn)
		for err := error(nil); err == nil; {
			_, err = conn.Write(part)
		}
		close(ended)
	}), ended
}

func TestEndlessBodyEnds(t *testing.T) {
	address, ended := flood(t, "HTTP/1.1 200 OK\r\n\r\n", make([]byte, 32<<10))
	body, err := fetch(t, "http://"+address+"/", 1<<20)
	if err != nil || body.Size != 1<<20 || !body.Truncated {
		t.Errorf("got %d bytes, truncated %t, %v", body.Size, body.Truncated, err)
	}
	<-ended
}

// Empty parts are valid gzip and never give a byte that a limit could count.
func TestEndlessGzipOfNothingEnds(t *testing.T) {
	address, ended := flood(t, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", zipped(nil))
	_, err := fetch(t, "http://"+address+"/", 1<<20)
	failure{callout.InvalidResponse, callout.StageResponse, true, "not valid gzip"}.check(t, err)
	<-ended
}

func TestTimeoutWhileReading(t *testing.T) {
	for name, end := range map[string]func() (context.Context, func()){
		"within its time limit": func() (context.Context, func()) { h := newHourglass(); return h, func() { close(h.out) } },
		"The caller went away": func() (context.Context, func()) {
			ctx, cancel := context.WithCancel(context.Background())
			return ctx, cancel
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.WriteString(w, "the beginning")
				_ = http.NewResponseController(w).Flush()
				<-r.Context().Done()
			})
			ctx, end := end()
			resp, err := get(t, newClient(t, Options{Policy: onLoopback}), ctx, s.URL)
			if err != nil {
				t.Fatal(err)
			}
			end()
			_, err = ReadBody(resp, 1000)
			failure{callout.TimedOut, callout.StageResponse, true, name}.check(t, err)
		})
	}
}

// Whoever reads an answer without ReadBody gets decoded bytes under the same
// guard, and headers that agree with them.
func TestBodyOfRoundTripIsDecoded(t *testing.T) {
	s := serve(t, encoded("gzip", zipped([]byte("hello"))))
	resp, err := get(t, newClient(t, Options{Policy: onLoopback}), context.Background(), s.URL)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(resp.Body)
	if err != nil || string(data) != "hello" {
		t.Errorf("got %q, %v", data, err)
	}
	if !resp.Uncompressed || resp.ContentLength != -1 || resp.Header.Get("Content-Encoding") != "" || resp.Header.Get("Content-Length") != "" {
		t.Errorf("headers still describe the compressed body: %v", resp.Header)
	}

	s = serve(t, encoded("gzip", zipped(make([]byte, 4<<20))))
	resp, err = get(t, newClient(t, Options{Policy: onLoopback}), context.Background(), s.URL)
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, resp.Body)
	failure{callout.ResponseTooLarge, callout.StageResponse, true, "hundredfold"}.check(t, err)
	if n > 1<<20 {
		t.Errorf("%d bytes came out of a bomb", n)
	}
	if _, again := resp.Body.Read(make([]byte, 1)); fmt.Sprint(again) != fmt.Sprint(err) {
		t.Errorf("reading on gives %v", again)
	}
}

func TestReadBodyWithoutOne(t *testing.T) {
	if body, err := ReadBody(&http.Response{}, 10); err != nil || body.Size != 0 {
		t.Errorf("got %v, %v", body, err)
	}
}
