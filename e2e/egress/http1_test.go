package egress_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"testing"
)

// ok is an answer with further header lines, each ended by a long break.
func ok(headers, body string) string { return "HTTP/1.1 200 OK\r\n" + headers + "\r\n" + body }

// sized is an answer of the length that it says.
func sized(headers, body string) string {
	return ok(headers+fmt.Sprintf("Content-Length: %d\r\n", len(body)), body)
}

var long = strings.Repeat("a", 1<<20)

const chunked, packed = "Transfer-Encoding: chunked\r\n", "Content-Encoding: gzip\r\n"

// zipped is data compressed with gzip.
func zipped(data []byte) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(data)
	_ = w.Close()
	return b.String()
}

// noise is n bytes that do not compress.
func noise(n int) []byte {
	data, x := make([]byte, n), uint32(1)
	for i := range data {
		x = x*1664525 + 1013904223 // the generator of Numerical Recipes
		data[i] = byte(x >> 24)
	}
	return data
}

// What a body is packed in.
func TestHostileEncodings(t *testing.T) {
	megabyte := zipped(make([]byte, 1<<20))
	bomb := strings.Repeat(megabyte, 100) // 100 KB that become 100 MB
	hello := zipped([]byte("hello"))
	flipped := []byte(hello)
	flipped[len(flipped)-8] ^= 1 // in the checksum
	const header = "\x1f\x8b\x08%c\x00\x00\x00\x00\x00\xff"
	const emptyBlock = "\x00\x00\x00\xff\xff" // stored, of no length, not the last
	tryHostile(t, []hostile{
		{"bomb", say(sized(packed, bomb)), grows},
		{"bomb in chunks", endless(ok(packed+chunked, ""), fmt.Sprintf("%x\r\n%s\r\n", len(megabyte), megabyte)), grows},
		{"gzip without an end", endless(ok(packed, ""), zipped(noise(64<<10))), isCut},
		{"gzip of nothing without an end", endless(ok(packed, fmt.Sprintf(header, 0)), emptyBlock), noGzip},
		{"empty gzip again and again", endless(ok(packed, ""), zipped(nil)), noGzip},
		{"gzip with a name without an end", endless(ok(packed, fmt.Sprintf(header, 8)), "name"), noGzip},
		{"gzip with a comment without an end", endless(ok(packed, fmt.Sprintf(header, 16)), "name"), noGzip},
		{"no gzip", say(sized(packed, "hello, hello")), noGzip},
		{"gzip, wrong checksum", say(sized(packed, string(flipped))), noGzip},
		{"gzip, cut", say(sized(packed, hello[:len(hello)-5])), breaksOff},
		{"gzip, cut in its header", say(sized(packed, hello[:5])), breaksOff},
		{"gzip with more behind", say(sized(packed, hello+"hello, hello")), noGzip},
		{"gzip of nothing", say(sized(packed, "")), isEmpty},
		{"brotli", say(sized("Content-Encoding: br\r\n", "hello")), otherCode},
		{"gzip twice", say(sized("Content-Encoding: gzip, gzip\r\n", zipped([]byte(hello)))), otherCode},
		{"gzip in two headers", say(sized(packed+packed, hello)), otherCode},
		{"no encoding, and said so", say(sized("Content-Encoding: identity\r\n", "hello")), isFine},
	})
}

// What does not come to its end.
func TestHostileBodies(t *testing.T) {
	tryHostile(t, []hostile{
		{"body without an end", endless(ok("", ""), "hello "), isCut},
		{"body in chunks without an end", endless(ok(chunked, ""), "6\r\nhello \r\n"), isCut},
		{"body of eight exabytes", endless(ok("Content-Length: 9223372036854775807\r\n", ""), "hello "), isCut},
		{"JSON without an end", endless(ok("Content-Type: application/json\r\n", "["), `{"a":`), isCut},
		{"white space without an end", endless(ok("Content-Type: application/json\r\n", ""), " \n"), isCut},
		{"body that stops", say(ok("Content-Length: 6\r\n", "hello")), lasts},
		{"body a byte at a time", trickle(ok("", ""), "hello "), lasts},
		{"gzip a byte at a time", trickle(ok(packed, ""), zipped(noise(64<<10))), lasts},
	})
}

// What says that it is longer or shorter than it is.
func TestHostileLengths(t *testing.T) {
	tryHostile(t, []hostile{
		{"length too large", hangUp(ok("Content-Length: 6\r\n", "hello")), breaksOff},
		{"length too small", say(ok("Content-Length: 4\r\n", "hello")), ending{says: `"hell"`}},
		{"two lengths", say(ok("Content-Length: 4\r\nContent-Length: 5\r\n", "hello")), noHTTP},
		{"two lengths in one line", say(ok("Content-Length: 4, 5\r\n", "hello")), noHTTP},
		{"one length twice", say(ok("Content-Length: 5\r\nContent-Length: 5\r\n", "hello")), isFine},
		{"length below zero", say(ok("Content-Length: -1\r\n", "hello")), noHTTP},
		{"length with a sign", say(ok("Content-Length: +5\r\n", "hello")), noHTTP},
		{"length that overflows", say(ok("Content-Length: 18446744073709551621\r\n", "hello")), noHTTP},
		{"length in words", say(ok("Content-Length: five\r\n", "hello")), noHTTP},
	})
}

// What comes in pieces.
func TestHostileChunks(t *testing.T) {
	tryHostile(t, []hostile{
		{"chunk of no length", say(ok(chunked, "zz\r\nhello\r\n")), unreadable},
		{"chunk of too many digits", say(ok(chunked, "10000000000000005\r\nhello\r\n")), unreadable},
		{"chunk that goes on", say(ok(chunked, "4\r\nhello\r\n0\r\n\r\n")), unreadable},
		{"chunk that is cut", hangUp(ok(chunked, "6\r\nhello")), breaksOff},
		{"chunks without the last", hangUp(ok(chunked, "5\r\nhello\r\n")), breaksOff},
		{"chunk with an extension without an end", endless(ok(chunked, "5;"), "a=b;"), unreadable},
		{"chunks with long extensions", endless(ok(chunked, ""), "1;"+long[:1000]+"\r\nh\r\n"), unreadable},
		{"trailers without an end", endless(ok(chunked, "5\r\nhello\r\n0\r\n"), "X-A: b\r\n"), unreadable},
		{"chunked twice", say(ok("Transfer-Encoding: chunked, chunked\r\n", "5\r\nhello\r\n0\r\n\r\n")), noHTTP},
		{"another transfer encoding", say(ok("Transfer-Encoding: gzip\r\n", zipped([]byte("hello")))), noHTTP},
		{"chunks and a length", say(ok(chunked+"Content-Length: 3\r\n", "5\r\nhello\r\n0\r\n\r\n")), isFine},
	})
}

// What comes before the body.
func TestHostileHeaders(t *testing.T) {
	tryHostile(t, []hostile{
		{"headers without an end", endless("HTTP/1.1 200 OK\r\n", "X-A: b\r\n"), manyHeaders},
		{"header without an end", endless("HTTP/1.1 200 OK\r\nX-A: ", "a"), manyHeaders},
		{"65 KiB of headers", say(sized(strings.Repeat("X-A: "+long[:1017]+"\r\n", 65), "hello")), manyHeaders},
		{"60 KiB of headers", say(sized(strings.Repeat("X-A: "+long[:1017]+"\r\n", 60), "hello")), isFine},
		{"header of a megabyte", say(sized("X-A: "+long+"\r\n", "hello")), manyHeaders},
		{"status line of a megabyte", say("HTTP/1.1 200 " + long + "\r\n\r\n"), manyHeaders},
		{"status line without an end", endless("HTTP/1.1 200 ", "OK "), manyHeaders},
		{"headers a byte at a time", trickle("HTTP/1.1 200 OK\r\n", "X-A: b\r\n"), lasts},
		{"nothing at all", say(""), lasts},
		{"header without a name", say(sized(": b\r\n", "hello")), noHTTP},
		{"header with a zero byte", say(sized("X-A: a\x00b\r\n", "hello")), noHTTP},
	})
}

// What is to be made of it.
func TestHostileStatuses(t *testing.T) {
	tryHostile(t, []hostile{
		{"early hints without an end", endless("", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"), manyHeaders},
		{"continue without an end", endless("", "HTTP/1.1 100 Continue\r\n\r\n"), manyHeaders},
		{"some early hints", say(strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 10) + sized("", "hello")), isFine},
		{"another protocol", say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello"), switches},
		{"another protocol, not named", say("HTTP/1.1 101 Switching Protocols\r\n\r\n"), switches},
		{"status 999", say("HTTP/1.1 999 What\r\nContent-Length: 5\r\n\r\nhello"), serverError},
		{"status 600", say("HTTP/1.1 600 What\r\nContent-Length: 5\r\n\r\nhello"), serverError},
		{"status 000", say("HTTP/1.1 000 What\r\nContent-Length: 5\r\n\r\nhello"), noStatus},
		{"status 099", say("HTTP/1.1 099 What\r\nContent-Length: 5\r\n\r\nhello"), noStatus},
		{"status of two digits", say("HTTP/1.1 20 OK\r\n\r\n"), noHTTP},
		{"status of four digits", say("HTTP/1.1 2000 OK\r\n\r\n"), noHTTP},
		{"status below zero", say("HTTP/1.1 -20 OK\r\n\r\n"), noHTTP},
		{"no content, and content", say("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello"), isEmpty},
	})
}

// What is no HTTP/1.1 at all.
func TestHostileProtocols(t *testing.T) {
	tryHostile(t, []hostile{
		{"HTTP/0.9", hangUp("<html>hello</html>\r\n"), noHTTP},
		{"another program", say("SSH-2.0-OpenSSH_9.9\r\n"), noHTTP},
		{"noise", say(string(noise(1000))), noHTTP},
		{"zero bytes without an end", endless("", "\x00"), manyHeaders},
		{"HTTP/2 that was not agreed", hangUp("\x00\x00\x00\x04\x00\x00\x00\x00\x00"), noHTTP},
		{"end at once", hangUp(""), hangsUp},
		{"end in the status line", hangUp("HTTP/1.1 20"), noHTTP},
		{"end in the headers", hangUp("HTTP/1.1 200 OK\r\nX-A: "), hangsUp},
	})
}
