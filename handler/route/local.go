package route

import (
	"net/http"
	"regexp"
)

// localHost is what a Host header may be when there is no host in front. A
// page that bends a name of its own to 127.0.0.1 (DNS rebinding) still sends
// that name.
var localHost = regexp.MustCompile(`(?i)^(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?$`)

// onlyLocal refuses what a browser could be made to send from elsewhere: alone,
// no key is asked for.
func onlyLocal(next http.Handler, fail failFunc) http.Handler {
	origins := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !localHost.MatchString(r.Host) {
			fail(w, r, http.StatusMisdirectedRequest, codeForeignHost,
				"Without the Functions host, Callout answers only requests whose Host is 127.0.0.1, localhost or [::1]. Use one of these in the URL.")
			return
		}
		if origins.Check(r) != nil {
			fail(w, r, http.StatusForbidden, codeCrossOrigin,
				"A web page from elsewhere sent this request, and Callout takes changes only from its own pages and from programs. Open Callout's own address, or call it from a program.")
			return
		}
		next.ServeHTTP(w, r)
	})
}
