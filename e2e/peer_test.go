package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"callout/handler/storetest/fault"
)

// peer is an OAuth server that others have written, in a process of its own, and
// the API that its tokens open. It is called by way of a proxy, which counts.
type peer struct{ *fault.Proxy }

// startPeer starts a server that reads what it is told from its standard input,
// says its address, and ends with its input.
func startPeer(t *testing.T, program *exec.Cmd, told any) peer {
	t.Helper()
	var said output
	program.Stderr = &said
	in, err := program.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := program.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatalf("%v; for node, see e2e/node/package.json", err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = program.Wait() // it may not like its end
	})
	silent := time.AfterFunc(time.Minute, func() { _ = program.Process.Kill() })
	defer silent.Stop()
	if err := json.NewEncoder(in).Encode(told); err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	var line struct{ Address string }
	if err := json.NewDecoder(out).Decode(&line); err != nil {
		t.Fatalf("it says no address: %v: %s", err, said.String())
	}
	return peer{fault.Start(t, line.Address, fault.Options{})}
}

// tokenRequests is how many came since the last Reset.
func (p peer) tokenRequests() int {
	return len(slices.DeleteFunc(p.Requests(), func(shape string) bool { return shape != "POST /token" }))
}

// resourceRequests is how many calls to the API came since the last Reset.
func (p peer) resourceRequests() int {
	return len(slices.DeleteFunc(p.Requests(), func(shape string) bool { return shape != "GET /resource" }))
}

// registration is what fosite is told (e2e/peers).
type registration struct {
	Clients         []registered `json:"clients"`
	LifetimeSeconds int          `json:"lifetimeSeconds"`
}

// registered is a client of fosite's.
type registered struct {
	ID       string   `json:"id"`
	Secret   string   `json:"secret"`
	Method   string   `json:"method"`
	Scopes   []string `json:"scopes"`
	Audience []string `json:"audience"`
}

// buildFosite builds the program in its own module, once.
var buildFosite = sync.OnceValues(func() (program string, err error) {
	program = filepath.Join(built, "peers")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir, build.Env, build.Stderr = "peers", append(os.Environ(), "CGO_ENABLED=0"), os.Stderr
	return program, build.Run()
})

// fosite starts an OAuth server that holds its clients to what they are
// registered for.
func fosite(t *testing.T, told registration) peer {
	t.Helper()
	program, err := buildFosite()
	if err != nil {
		t.Fatal(err)
	}
	return startPeer(t, exec.Command(program), told)
}

// oidcProvider starts an OAuth server that takes the resource parameter.
func oidcProvider(t *testing.T) peer {
	t.Helper()
	return startPeer(t, exec.Command("node", filepath.Join("node", "oidc.mjs")), nil)
}
