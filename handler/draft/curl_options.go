package draft

// option is one of curl's options: how it is written, whether an argument belongs
// to it, and what becomes of it. (See curl's manual page, which this follows as of
// curl 8; an option that is not here is refused.)
type option struct {
	long     string
	short    byte // 0 for none
	argument bool
	fate     fate
	why      string // what a refusal or a note says behind the name of the option
}

// fate is what becomes of an option.
type fate int

const (
	taken   fate = iota // into the draft
	silent              // it changes nothing that is sent, or what Callout sees to anyway
	noted               // left out, which a note says
	refused             // the command without it would be another one
)

// Reasons, put behind "The option -k ".
const (
	noRedirects = "was not taken over: Callout follows no redirects. If the API redirects, put the address that it redirects to into the endpoint."
	noRetries   = "was not taken over: Callout decides by itself what may be sent again."
	noTuning    = "was not taken over: Callout decides by itself how a connection is made."
	noJar       = "was not taken over: Callout writes no files and keeps no cookies."
	noInsecure  = "switches off the check of the server's certificate. Callout always checks it: remove the option, and give the server a certificate that is publicly trusted."
	noFile      = "names a file, and no file is read here. Put what it holds into the command, or remove the option."
	noCert      = "sets certificates of its own. Callout trusts public authorities and has no client certificates: remove the option, or use an API that takes another credential."
	noProxy     = "sends the request through a proxy. Callout connects by itself: remove the option."
	noRouting   = "sends the request somewhere else than the address says. Write the address that is to be called, and remove the option."
	noUpload    = "sends a file or a multipart form. Callout sends JSON and simple forms: use another operation of the API, or -d if the API takes that."
	noScheme    = "asks for a kind of authentication that Callout does not have. Callout has Basic, bearer tokens, keys in a header and OAuth 2.0 client credentials."
	noDialogue  = "makes the request depend on earlier answers or on the time, which a configuration cannot. Remove it."
	noNext      = "begins a second request. Paste one command for each request."
)

var options = []option{
	{"request", 'X', true, taken, ""},
	{"url", 0, true, taken, ""},
	{"header", 'H', true, taken, ""},
	{"data", 'd', true, taken, ""},
	{"data-ascii", 0, true, taken, ""},
	{"data-binary", 0, true, taken, ""},
	{"data-raw", 0, true, taken, ""},
	{"data-urlencode", 0, true, taken, ""},
	{"json", 0, true, taken, ""},
	{"get", 'G', false, taken, ""},
	{"head", 'I', false, taken, ""},
	{"url-query", 0, true, taken, ""},
	{"user", 'u', true, taken, ""},
	{"oauth2-bearer", 0, true, taken, ""},
	{"user-agent", 'A', true, taken, ""},
	{"referer", 'e', true, taken, ""},
	{"cookie", 'b', true, taken, ""},
	{"range", 'r', true, taken, ""},
	{"max-time", 'm', true, taken, ""},
	{"globoff", 'g', false, taken, ""},

	{"silent", 's', false, silent, ""},
	{"show-error", 'S', false, silent, ""},
	{"verbose", 'v', false, silent, ""},
	{"include", 'i', false, silent, ""},
	{"show-headers", 0, false, silent, ""},
	{"fail", 'f', false, silent, ""},
	{"fail-with-body", 0, false, silent, ""},
	{"fail-early", 0, false, silent, ""},
	{"progress-bar", '#', false, silent, ""},
	{"progress-meter", 0, false, silent, ""},
	{"styled-output", 0, false, silent, ""},
	{"buffer", 0, false, silent, ""},
	{"no-buffer", 'N', false, silent, ""},
	{"output", 'o', true, silent, ""},
	{"output-dir", 0, true, silent, ""},
	{"remote-name", 'O', false, silent, ""},
	{"remote-header-name", 'J', false, silent, ""},
	{"create-dirs", 0, false, silent, ""},
	{"dump-header", 'D', true, silent, ""},
	{"write-out", 'w', true, silent, ""},
	{"stderr", 0, true, silent, ""},
	{"trace", 0, true, silent, ""},
	{"trace-ascii", 0, true, silent, ""},
	{"trace-time", 0, false, silent, ""},
	{"disable", 'q', false, silent, ""},
	{"compressed", 0, false, silent, ""},
	{"basic", 0, false, silent, ""},
	{"keepalive", 0, false, silent, ""},
	{"http1.1", 0, false, silent, ""},
	{"http2", 0, false, silent, ""},
	{"tlsv1", '1', false, silent, ""},
	{"tlsv1.2", 0, false, silent, ""},
	{"proto", 0, true, silent, ""},
	{"ssl-reqd", 0, false, silent, ""},
	{"path-as-is", 0, false, silent, ""},

	{"location", 'L', false, noted, noRedirects},
	{"location-trusted", 0, false, noted, noRedirects},
	{"max-redirs", 0, true, noted, noRedirects},
	{"post301", 0, false, noted, noRedirects},
	{"post302", 0, false, noted, noRedirects},
	{"post303", 0, false, noted, noRedirects},
	{"retry", 0, true, noted, noRetries},
	{"retry-delay", 0, true, noted, noRetries},
	{"retry-max-time", 0, true, noted, noRetries},
	{"retry-all-errors", 0, false, noted, noRetries},
	{"retry-connrefused", 0, false, noted, noRetries},
	{"connect-timeout", 0, true, noted, noTuning},
	{"keepalive-time", 0, true, noted, noTuning},
	{"tcp-nodelay", 0, false, noted, noTuning},
	{"tcp-fastopen", 0, false, noted, noTuning},
	{"limit-rate", 0, true, noted, noTuning},
	{"speed-limit", 'Y', true, noted, noTuning},
	{"speed-time", 'y', true, noted, noTuning},
	{"max-filesize", 0, true, noted, noTuning},
	{"ipv4", '4', false, noted, noTuning},
	{"ipv6", '6', false, noted, noTuning},
	{"http1.0", '0', false, noted, noTuning},
	{"http2-prior-knowledge", 0, false, noted, noTuning},
	{"http3", 0, false, noted, noTuning},
	{"tlsv1.0", 0, false, noted, noTuning},
	{"tlsv1.1", 0, false, noted, noTuning},
	{"tlsv1.3", 0, false, noted, noTuning},
	{"tls-max", 0, true, noted, noTuning},
	{"ciphers", 0, true, noted, noTuning},
	{"ssl-no-revoke", 0, false, noted, noTuning},
	{"noproxy", 0, true, noted, noTuning},
	{"parallel", 'Z', false, noted, noTuning},
	{"cookie-jar", 'c', true, noted, noJar},

	{"insecure", 'k', false, refused, noInsecure},
	{"proxy-insecure", 0, false, refused, noInsecure},
	{"config", 'K', true, refused, noFile},
	{"netrc", 'n', false, refused, noFile},
	{"netrc-file", 0, true, refused, noFile},
	{"netrc-optional", 0, false, refused, noFile},
	{"variable", 0, true, refused, noFile},
	{"cert", 'E', true, refused, noCert},
	{"cert-type", 0, true, refused, noCert},
	{"key", 0, true, refused, noCert},
	{"key-type", 0, true, refused, noCert},
	{"pass", 0, true, refused, noCert},
	{"cacert", 0, true, refused, noCert},
	{"capath", 0, true, refused, noCert},
	{"crlfile", 0, true, refused, noCert},
	{"pinnedpubkey", 0, true, refused, noCert},
	{"proxy", 'x', true, refused, noProxy},
	{"preproxy", 0, true, refused, noProxy},
	{"proxy-user", 'U', true, refused, noProxy},
	{"proxy-header", 0, true, refused, noProxy},
	{"proxytunnel", 'p', false, refused, noProxy},
	{"socks4", 0, true, refused, noProxy},
	{"socks4a", 0, true, refused, noProxy},
	{"socks5", 0, true, refused, noProxy},
	{"socks5-hostname", 0, true, refused, noProxy},
	{"unix-socket", 0, true, refused, noRouting},
	{"abstract-unix-socket", 0, true, refused, noRouting},
	{"resolve", 0, true, refused, noRouting},
	{"connect-to", 0, true, refused, noRouting},
	{"interface", 0, true, refused, noRouting},
	{"doh-url", 0, true, refused, noRouting},
	{"request-target", 0, true, refused, noRouting},
	{"upload-file", 'T', true, refused, noUpload},
	{"form", 'F', true, refused, noUpload},
	{"form-string", 0, true, refused, noUpload},
	{"anyauth", 0, false, refused, noScheme},
	{"digest", 0, false, refused, noScheme},
	{"ntlm", 0, false, refused, noScheme},
	{"negotiate", 0, false, refused, noScheme},
	{"aws-sigv4", 0, true, refused, noScheme},
	{"continue-at", 'C', true, refused, noDialogue},
	{"time-cond", 'z', true, refused, noDialogue},
	{"etag-save", 0, true, refused, noDialogue},
	{"etag-compare", 0, true, refused, noDialogue},
	{"next", ':', false, refused, noNext},
}

// shown is how messages name the option.
func (o *option) shown() string {
	if o.short != 0 {
		return "-" + string(rune(o.short))
	}
	return "--" + o.long
}

func longOption(name string) *option {
	for i := range options {
		if options[i].long == name {
			return &options[i]
		}
	}
	return nil
}

func shortOption(letter byte) *option {
	for i := range options {
		if options[i].short == letter {
			return &options[i]
		}
	}
	return nil
}
