package keyvault

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"callout/handler/secret"
	"callout/handler/store"
	"callout/handler/storetest/vaultserver"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/log"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// inBubble runs a test on a clock of its own, on which waiting takes no time,
// with a vault that is signed in and has one secret.
func inBubble(t *testing.T, test func(*testing.T, *vaultserver.Server, *Vault, string)) {
	t.Helper()
	server := vaultserver.Start(t)
	synctest.Test(t, func(t *testing.T) {
		vault := open(t, server, through(direct(server)))
		version := set(t, vault, "callout-1", "value")
		server.Reset()
		test(t, server, vault, version)
	})
}

func TestThrottling(t *testing.T) {
	const throttled = vaultserver.Throttled
	for _, tt := range []struct {
		what       string
		times      int
		retryAfter string
		want       error
		least      time.Duration
		most       time.Duration
		requests   requests
	}{
		{"Retry-After is waited for", 2, "1", nil, 2 * time.Second, 2 * time.Second, requests{throttled: 2, get: 1}},
		{"without it the wait is the client's own", 3, "", nil, 1760 * time.Millisecond, 2860 * time.Millisecond, requests{throttled: 3, get: 1}},
		{"0 is none", 3, "0", nil, 1760 * time.Millisecond, 2860 * time.Millisecond, requests{throttled: 3, get: 1}},
		{"after four tries it is over", 4, "1", store.ErrUnavailable, 3 * time.Second, 3 * time.Second, requests{throttled: 4}},
		{"a long Retry-After is not waited for", 1, "60", store.ErrUnavailable, 0, 0, requests{throttled: 1}},
	} {
		t.Run(tt.what, func(t *testing.T) {
			inBubble(t, func(t *testing.T, server *vaultserver.Server, vault *Vault, version string) {
				server.Throttle(tt.times, tt.retryAfter)
				start := time.Now()
				_, err := vault.Get(t.Context(), "callout-1", version)
				if took := time.Since(start); took < tt.least || took > tt.most {
					t.Errorf("it took %v, want %v to %v", took, tt.least, tt.most)
				}
				if !errors.Is(err, tt.want) || err != nil && !strings.Contains(err.Error(), "429 Throttled; it has more requests than it takes") {
					t.Errorf("Get: %v; want %v", err, tt.want)
				}
				counts(t, server, tt.requests)
			})
		})
	}
}

func TestADeletionIsTriedAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, server *vaultserver.Server, vault *Vault, _ string) {
		server.Throttle(3, "1")
		if err := vault.Delete(t.Context(), "callout-1"); err != nil {
			t.Errorf("Delete: %v", err)
		}
		counts(t, server, requests{vaultserver.Throttled: 3, vaultserver.Delete: 1})
	})
}

func TestOutage(t *testing.T) {
	inBubble(t, func(t *testing.T, server *vaultserver.Server, vault *Vault, version string) {
		cold := open(t, server, through(direct(server)))
		server.Outage(true)
		_, get := vault.Get(t.Context(), "callout-1", version)
		_, set := vault.Set(t.Context(), "callout-1", secret.New("value"))
		disable := vault.Disable(t.Context(), "callout-1", version)
		remove := vault.Delete(t.Context(), "callout-1")
		_, versions := vault.Versions(t.Context(), "callout-1")
		_, names := vault.Names(t.Context())
		prepare := cold.Prepare(t.Context())
		all := []error{get, set, disable, remove, versions, names, prepare}
		for i, err := range all {
			if !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("call %d: %v; want %v", i, err, store.ErrUnavailable)
			}
		}
		counts(t, server, requests{vaultserver.Dropped: 4 * len(all)})

		server.Outage(false)
		holds(t, vault, "callout-1", version, "value")
		holds(t, cold, "callout-1", version, "value")
	})
}

func TestOutageOnTheNetwork(t *testing.T) {
	server := vaultserver.Start(t)
	vault := open(t, server)
	version := set(t, vault, "callout-1", "value")
	server.Outage(true)
	if _, err := vault.Get(t.Context(), "callout-1", version); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Get: %v; want %v", err, store.ErrUnavailable)
	}
	server.Outage(false)
	holds(t, vault, "callout-1", version, "value")
}

// silent never answers.
func silent(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

func TestAVaultThatDoesNotAnswer(t *testing.T) {
	for _, tt := range []struct {
		what        string
		deadline    time.Duration
		least, most time.Duration
		also        error
	}{
		{"each of four tries has five seconds", time.Hour, 21760 * time.Millisecond, 22860 * time.Millisecond, store.ErrUnavailable},
		{"the caller's deadline ends it", 3 * time.Second, 3 * time.Second, 3 * time.Second, context.DeadlineExceeded},
	} {
		for _, tenant := range []string{"", vaultserver.Tenant} {
			t.Run(tt.what+" "+tenant, func(t *testing.T) {
				inBubble(t, func(t *testing.T, server *vaultserver.Server, _ *Vault, version string) {
					vault := open(t, server, through(silent), func(o *Options) { o.Tenant = tenant })
					ctx, cancel := context.WithTimeout(t.Context(), tt.deadline)
					defer cancel()
					start := time.Now()
					_, err := vault.Get(ctx, "callout-1", version)
					if took := time.Since(start); took < tt.least || took > tt.most {
						t.Errorf("it took %v, want %v to %v", took, tt.least, tt.most)
					}
					if !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, tt.also) {
						t.Errorf("Get: %v", err)
					}
					if err := vault.Prepare(t.Context()); tenant == "" && !errors.Is(err, store.ErrUnavailable) { // a sign-in that was left behind ends too
						t.Errorf("Prepare: %v", err)
					}
				})
			})
		}
	}
}

// instead answers what is sent with a token, and hands on what is sent without.
func instead(server *vaultserver.Server, status int, body string) transport {
	return func(req *http.Request) (*http.Response, error) {
		if req.Header.Get("Authorization") == "" {
			return direct(server)(req)
		}
		return says(req, status, http.Header{"Content-Type": {"application/json"}}, body), nil
	}
}

func TestAnswersAndTheirErrors(t *testing.T) {
	const canary = "canary-91c4"
	refusedWith := func(code, inner string) string {
		return fmt.Sprintf(`{"error":{"code":%q,"message":%q,"innererror":{"code":%q}}}`, code, canary, inner)
	}
	for _, tt := range []struct {
		what   string
		status int
		body   string
		want   error
		says   string
	}{
		{"the vault's own 404", 404, refusedWith("SecretNotFound", ""), store.ErrNotFound, "no such secret"},
		{"somebody else's 404", 404, "<html>" + canary, store.ErrUnavailable, "404; check the vault's address"},
		{"another service's 404", 404, refusedWith("ResourceNotFound", ""), store.ErrUnavailable, "404 ResourceNotFound; check"},
		{"a disabled version", 403, refusedWith("Forbidden", "SecretDisabled"), store.ErrDisabled, "disabled"},
		{"no role", 403, refusedWith("Forbidden", "ForbiddenByRbac"), store.ErrUnavailable, "403 Forbidden ForbiddenByRbac; give the identity the role"},
		{"a firewall", 403, refusedWith("Forbidden", "ForbiddenByConnection"), store.ErrUnavailable, "firewall"},
		{"a token that is not taken", 401, refusedWith("Unauthorized", ""), store.ErrUnavailable, "401 Unauthorized; it does not take the token"},
		{"a deletion under way", 409, refusedWith("Conflict", "ObjectIsBeingDeleted"), store.ErrNotFound, "no such secret"},
		{"a deletion that is over", 409, refusedWith("Conflict", "ObjectIsDeletedButRecoverable"), store.ErrNotFound, "no such secret"},
		{"a recovery under way", 409, refusedWith("Conflict", "ObjectIsBeingRecovered"), store.ErrUnavailable, "409 Conflict ObjectIsBeingRecovered; the secret is being changed"},
		{"a bad request", 400, refusedWith("BadParameter", ""), store.ErrUnavailable, "400 BadParameter"},
		{"a failure", 500, refusedWith("InternalServerError", ""), store.ErrUnavailable, "500 InternalServerError; try again later"},
		{"codes that are none", 503, refusedWith(canary, canary), store.ErrUnavailable, "503; try again later"},
		{"no value", 200, `{"id":"https://name/secrets/callout-1/` + strings.Repeat("0", 32) + `"}`, store.ErrUnavailable, "lacks what it must have"},
		{"no JSON", 200, canary, store.ErrUnavailable, "broke off its answer"},
	} {
		t.Run(tt.what, func(t *testing.T) {
			inBubble(t, func(t *testing.T, server *vaultserver.Server, _ *Vault, version string) {
				got, err := open(t, server, through(instead(server, tt.status, tt.body))).Get(t.Context(), "callout-1", version)
				if !errors.Is(err, tt.want) || got.IsSet() {
					t.Fatalf("Get: %v; want %v", err, tt.want)
				}
				for _, not := range []string{canary, "https:", "callout-1", version} {
					if strings.Contains(err.Error(), not) {
						t.Errorf("the error quotes %q: %v", not, err)
					}
				}
				if !strings.Contains(err.Error(), tt.says) {
					t.Errorf("the error does not say %q: %v", tt.says, err)
				}
			})
		})
	}
}

func TestAnswersThatLackSomething(t *testing.T) {
	server := vaultserver.Start(t)
	id := strings.Repeat("0", 32)
	call := map[string]func(*Vault) error{
		"Set":      func(v *Vault) error { _, err := v.Set(t.Context(), "callout-1", secret.New("value")); return err },
		"Versions": func(v *Vault) error { _, err := v.Versions(t.Context(), "callout-1"); return err },
		"Names":    func(v *Vault) error { _, err := v.Names(t.Context()); return err },
	}
	for _, tt := range []struct {
		call, body string
		want       error
	}{
		{"Set", `{}`, errIllegible},
		{"Set", `{"id":"https://name/secrets/callout-1"}`, errIllegible},
		{"Set", `{"id":"https://name/secrets/callout-1/x"}`, errIllegible},
		{"Set", `{"id":"%"}`, errIllegible},
		{"Versions", `{"value":[{}]}`, errIllegible},
		{"Versions", `{"value":[{"id":"https://name/secrets/callout-1/` + id + `"}]}`, errIllegible},
		{"Versions", `{"value":[{"id":"https://name/secrets/callout-1/` + id + `","attributes":{"enabled":true}}]}`, errIllegible},
		{"Versions", `{"value":[{"id":"https://name/secrets/callout-1/` + id + `","attributes":{"created":1}}]}`, errIllegible},
		{"Names", `{"value":[],"nextLink":"https://elsewhere.example/secrets"}`, strayed{}},
		{"Names", `{"value":[{},{"id":"%"},{"id":"https://name/secrets/callout-1"}]}`, nil},
	} {
		vault := open(t, server, through(instead(server, http.StatusOK, tt.body)))
		if err := call[tt.call](vault); !errors.Is(err, tt.want) || err != nil && !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s of %s: %v; want %v", tt.call, tt.body, err, tt.want)
		}
	}
}

// What answers at the address need not be a vault.
func TestSignInWithWhatIsNoVault(t *testing.T) {
	server := vaultserver.Start(t)
	at := func(authority string) http.Header {
		return http.Header{"Www-Authenticate": {`Bearer authorization="` + authority + `", resource="https://vault.azure.net"`}}
	}
	for _, tt := range []struct {
		what   string
		status int
		header http.Header
		body   string
		want   error
	}{
		{"a page for everyone", 200, nil, `{}`, errNoVault},
		{"a secret for everyone", 200, nil, `{"value":"v"}`, errNoVault},
		{"nothing is found", 404, nil, `{"error":{"code":"SecretNotFound"}}`, errNoVault},
		{"another login", 401, http.Header{"Www-Authenticate": {"Basic realm=x"}}, ``, errChallenge},
		{"a login that is not said", 401, nil, ``, store.ErrUnavailable},
		{"an authority without a directory", 401, at("https://login.example"), ``, store.ErrUnavailable},
		{"an authority that is no address", 401, at("login"), ``, store.ErrUnavailable},
		{"one of two authorities without a directory", 401, at(`https://a.example/b", authorization="c`), ``, store.ErrUnavailable},
	} {
		vault := open(t, server, through(func(req *http.Request) (*http.Response, error) {
			header := tt.header.Clone()
			if header == nil {
				header = http.Header{}
			}
			return says(req, tt.status, header, tt.body), nil
		}))
		if got, err := vault.Get(t.Context(), "callout-1", ""); !errors.Is(err, tt.want) || !errors.Is(err, store.ErrUnavailable) || got.IsSet() {
			t.Errorf("%s: %v; want %v", tt.what, err, tt.want)
		}
	}
}

// A redirect is not followed: net/http would send the body of a write along.
func TestARedirectIsNotFollowed(t *testing.T) {
	followed := false
	elsewhere := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed = true }))
	defer elsewhere.Close()
	server := vaultserver.Start(t)
	front := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			server.ServeHTTP(w, r)
			return
		}
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
	}))
	defer front.Close()
	vault := open(t, server, func(o *Options) { o.URL, o.Transport = front.URL, front.Client() })
	_, err := vault.Set(t.Context(), "callout-1", secret.New("value"))
	if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "307; check the vault's address") || followed {
		t.Errorf("Set: %v; followed: %v", err, followed)
	}
}

func TestAnIdentityThatCannotSignIn(t *testing.T) {
	server := vaultserver.Start(t)
	tries := 0
	vault := open(t, server, func(o *Options) {
		o.Credential = credential(func(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
			tries++
			return azcore.AccessToken{}, errors.New("canary")
		})
	})
	_, err := vault.Get(t.Context(), "callout-1", "")
	if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "identity could not sign in") || strings.Contains(err.Error(), "canary") {
		t.Errorf("Get: %v", err)
	}
	if tries != 1 {
		t.Errorf("%d tries, want 1: the credential has its own", tries)
	}
}

func TestTheSameHost(t *testing.T) {
	for _, tt := range []struct {
		link  string
		stays bool
	}{
		{"https://127.0.0.1:443/secrets?a=b", true},
		{"https://127.0.0.1/secrets", true},
		{"https://127.0.0.1:444/secrets", false},
		{"https://127.0.0.2/secrets", false},
		{"https://elsewhere.example:443/secrets", false},
	} {
		server := vaultserver.Start(t)
		first := true
		vault := open(t, server, func(o *Options) { o.URL = "https://127.0.0.1" }, through(func(req *http.Request) (*http.Response, error) {
			if strings.HasSuffix(req.URL.Path, "/secrets") && req.Header.Get("Authorization") != "" && first {
				first = false
				return says(req, http.StatusOK, http.Header{}, fmt.Sprintf(`{"nextLink":%q}`, tt.link)), nil
			}
			req.URL.RawQuery = "api-version=1"
			return direct(server)(req)
		}))
		if _, err := vault.Names(t.Context()); (err == nil) != tt.stays {
			t.Errorf("%s: %v", tt.link, err)
		}
	}
}

// The SDK can be told to log. Whoever does so must not find values there.
func TestTheSDKsLogHoldsNoValue(t *testing.T) {
	const canary = "canary-5d20"
	inBubble(t, func(t *testing.T, server *vaultserver.Server, vault *Vault, _ string) {
		var logged strings.Builder
		log.SetListener(func(_ log.Event, line string) { logged.WriteString(line) })
		defer log.SetListener(nil)
		version := set(t, vault, "callout-2", canary)
		holds(t, vault, "callout-2", version, canary)
		if err := vault.Delete(t.Context(), "callout-2"); err != nil {
			t.Fatal(err)
		}
		if _, err := vault.Set(t.Context(), "callout-2", secret.New(canary)); !errors.Is(err, store.ErrConflict) {
			t.Errorf("Set: %v", err)
		}
		if !strings.Contains(logged.String(), "ObjectIsDeletedButRecoverable") {
			t.Error("the log does not hold what it is known to hold")
		}
		for _, not := range []string{canary, server.Token()} {
			if strings.Contains(logged.String(), not) {
				t.Error("the log holds a value or a token")
			}
		}
	})
}
