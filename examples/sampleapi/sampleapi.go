// Package sampleapi is a small help desk with an HTTP API, for trying Callout
// without an account anywhere. It keeps everything in memory and asks for a
// different kind of credential at each address.
package sampleapi

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The credentials that the sample asks for. They protect nothing.
const (
	Token    = "sample-token-4711"
	Username = "sample"
	Password = "sample-password"
	Key      = "sample-key-0815"

	ClientID     = "sample-client"
	ClientSecret = "sample-client-secret"
)

// API is the sample. The zero API is ready to use.
type API struct {
	mu      sync.Mutex
	tickets []ticket
	sent    int
}

type ticket struct {
	ID       int    `json:"id"`
	Summary  string `json:"summary"`
	Priority string `json:"priority"`
}

type device struct {
	Name   string `json:"name"`
	Site   string `json:"site"`
	Online bool   `json:"online"`
}

var devices = []device{
	{Name: "printer-1", Site: "berlin", Online: true},
	{Name: "printer-2", Site: "berlin", Online: false},
	{Name: "switch-1", Site: "lisbon", Online: true},
}

// Handler serves the sample.
func (a *API) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", a.status)
	mux.Handle("GET /devices", needs("X-Api-Key", Key, a.devices))
	mux.Handle("POST /tickets", needs("Authorization", "Bearer "+Token, a.createTicket))
	mux.Handle("POST /messages", basic(a.sendMessage))
	mux.HandleFunc("POST /oauth/token", a.token)
	mux.HandleFunc("GET /sites", a.sites)
	return mux
}

func (a *API) status(w http.ResponseWriter, _ *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	answer(w, http.StatusOK, map[string]any{"status": "operational", "tickets": len(a.tickets), "messages": a.sent})
}

func (a *API) devices(w http.ResponseWriter, r *http.Request) {
	found := []device{}
	for _, d := range devices {
		if site := r.URL.Query().Get("site"); site == "" || site == d.Site {
			found = append(found, d)
		}
	}
	answer(w, http.StatusOK, map[string]any{"devices": found})
}

func (a *API) createTicket(w http.ResponseWriter, r *http.Request) {
	t := ticket{Priority: "normal"}
	if err := json.NewDecoder(r.Body).Decode(&t); err != nil || strings.TrimSpace(t.Summary) == "" {
		answer(w, http.StatusBadRequest, map[string]any{"errors": []string{"summary is missing"}})
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	t.ID = len(a.tickets) + 1
	a.tickets = append(a.tickets, t)
	answer(w, http.StatusCreated, t)
}

func (a *API) sendMessage(w http.ResponseWriter, r *http.Request) {
	var message struct{ To, Text string }
	if err := json.NewDecoder(r.Body).Decode(&message); err != nil || message.To == "" {
		answer(w, http.StatusBadRequest, map[string]any{"errors": []string{"to is missing"}})
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sent++
	answer(w, http.StatusAccepted, map[string]any{"message": fmt.Sprintf("m-%d", a.sent)})
}

// tokenLife is how long a token of the sample is valid.
const tokenLife = 10 * time.Minute

// token is a token endpoint for client credentials (RFC 6749, section 4.4).
func (a *API) token(w http.ResponseWriter, r *http.Request) {
	known := r.PostFormValue("client_id") == ClientID &&
		subtle.ConstantTimeCompare([]byte(r.PostFormValue("client_secret")), []byte(ClientSecret)) == 1
	if !known {
		answer(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	answer(w, http.StatusOK, map[string]any{"access_token": signed(time.Now().Add(tokenLife)), "token_type": "Bearer", "expires_in": int(tokenLife.Seconds())})
}

// signed is a token that says itself until when it is valid, so that the sample
// need not remember it.
func signed(until time.Time) string {
	mac := hmac.New(sha256.New, []byte(ClientSecret))
	fmt.Fprint(mac, until.Unix())
	return fmt.Sprintf("%d.%x", until.Unix(), mac.Sum(nil))
}

func (a *API) sites(w http.ResponseWriter, r *http.Request) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	seconds, _, _ := strings.Cut(token, ".")
	until, _ := strconv.ParseInt(seconds, 10, 64)
	if time.Now().Unix() >= until || !hmac.Equal([]byte(token), []byte(signed(time.Unix(until, 0)))) {
		answer(w, http.StatusUnauthorized, map[string]any{"errors": []string{"not signed in"}})
		return
	}
	answer(w, http.StatusOK, map[string]any{"sites": []string{"berlin", "lisbon"}})
}

// needs lets a request in that carries the header with the value.
func needs(header, value string, next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get(header)), []byte(value)) != 1 {
			answer(w, http.StatusUnauthorized, map[string]any{"errors": []string{"not signed in"}})
			return
		}
		next(w, r)
	})
}

func basic(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		username, password, _ := r.BasicAuth()
		if username != Username || subtle.ConstantTimeCompare([]byte(password), []byte(Password)) != 1 {
			answer(w, http.StatusUnauthorized, map[string]any{"errors": []string{"not signed in"}})
			return
		}
		next(w, r)
	})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a caller that went away is its own affair
}
