package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"callout/e2e/fakehost"
	"callout/handler/storetest/fault"
	"callout/handler/storetest/vaultserver"
)

// visit goes once through what operator and agent do, and leaves nothing behind
// but the history.
func visit(t *testing.T, open door, upstream string) {
	t.Helper()
	open("configs").call(t, 201, "POST", "/api/configs", whoConfig(upstream))
	open("configs").call(t, 200, "GET", "/api/configs", "").mustHold(t, `"name":"who"`)
	open("config").call(t, 200, "PATCH", "/api/configs/who", `{"description": "Who is asking."}`)
	document := open("config").call(t, 200, "GET", "/api/configs/who", "")
	document.mustHold(t, "Who is asking.", `"path":"auth.token"`)
	open("config").call(t, 200, "PUT", "/api/configs/who", document.body)
	open("test").call(t, 200, "POST", "/api/configs/who/test", `{"send": true}`).mustHold(t, `"ok":true`)
	open("test-draft").call(t, 200, "POST", "/api/test", `{"config": `+whoConfig(upstream)+`}`).mustHold(t, `"ok":true`)
	execute(t, open, "GET")
	open("config").call(t, 200, "PATCH", "/api/configs/who", `{"method": "POST"}`) // so that the intent is stored first
	execute(t, open, "POST")
	open("config").call(t, 204, "DELETE", "/api/configs/who", "")
	open("config").call(t, 204, "DELETE", "/api/configs/who", "")
	open("execute").call(t, 404, "POST", "/api/execute/who", `{}`).mustHold(t, "ConfigNotFound")
}

// execute makes a call and finds it in the history.
func execute(t *testing.T, open door, method string) {
	t.Helper()
	var e struct{ ExecutionID string }
	executed := open("execute").call(t, 200, "POST", "/api/execute/who", `{"context": {"ticket": "T1"}}`)
	executed.mustHold(t, `"status":"succeeded"`, `"method":"`+method+`"`, backwards("Bearer behind-the-host"))
	executed.decode(t, &e)
	open("execution").call(t, 200, "GET", "/api/executions/"+e.ExecutionID, "").mustHold(t, e.ExecutionID, `"ticket":"T1"`, `"succeeded"`)
	open("executions").call(t, 200, "GET", "/api/executions", "").mustHold(t, e.ExecutionID)
}

// TestOnAManagedIdentity is how Callout runs in production: nothing but an
// identity opens the stores. Each process asks once for a token for each of
// them, and neither sees the other's.
func TestOnAManagedIdentity(t *testing.T) {
	upstream, c := echo(t), newCloud(t, byIdentity)
	once := func(t *testing.T) {
		t.Helper()
		if got := len(c.identity.Requests()); got != 2 {
			t.Errorf("%d tokens were asked for, want one for each service", got)
		}
		c.identity.Reset()
	}
	t.Run("alone", func(t *testing.T) {
		visit(t, c.alone(t).door(), upstream.URL)
		once(t)
	})
	t.Run("behind the host, with the directory known", func(t *testing.T) {
		c.vault.Reset()
		visit(t, doorOf(c.hosted(t, fakehost.Proxying, "AZURE_TENANT_ID="+vaultserver.Tenant)), upstream.URL)
		once(t)
		if got := c.vault.Requests()[vaultserver.Challenge]; got != 0 {
			t.Errorf("the vault was asked %d times for what was known", got)
		}
	})
	c.atTables.mustHaveTokensFor(t, "https://storage.azure.com")
	c.atVault.mustHaveTokensFor(t, "https://vault.azure.net")
}

// TestOnAConnectionString: the account's key opens the tables, and a token is
// asked for the vault only.
func TestOnAConnectionString(t *testing.T) {
	upstream, c := echo(t), newCloud(t, byKey)
	visit(t, c.alone(t).door(), upstream.URL)
	if got := len(c.identity.Requests()); got != 1 {
		t.Errorf("%d tokens were asked for, want one for the vault", got)
	}
	for _, authorization := range c.atTables.seen() {
		if !strings.HasPrefix(authorization, "SharedKey") {
			t.Errorf("the tables were opened with %q", authorization)
		}
	}
}

// TestNothingIsSentBeforeItIsNeeded: a process that only answers monitors asks
// Azure for nothing, a token included.
func TestNothingIsSentBeforeItIsNeeded(t *testing.T) {
	c := newCloud(t, byIdentity)
	sent := func() int { return len(c.tables.Requests()) + len(c.secrets.Requests()) + len(c.identity.Requests()) }
	idle := func(t *testing.T, open door) {
		before := sent()
		open("health").call(t, 200, "GET", "/api/health", "")
		open("openapi").call(t, 200, "GET", "/api/openapi.json", "")
		if got := sent(); got != before {
			t.Errorf("there were %d requests: %q %q %q", got, c.tables.Requests(), c.secrets.Requests(), c.identity.Requests())
		}
	}
	alone := c.alone(t)
	waitFor(t, alone.process, "Callout is up")
	idle(t, alone.door())
	host := c.hosted(t, fakehost.Proxying)
	eventually(t, "the stores are open", func() bool {
		for _, line := range host.Logs() {
			if strings.Contains(line.Text, "Callout is up") {
				return true
			}
		}
		return false
	})
	idle(t, doorOf(host))
	if sent() != 0 {
		t.Errorf("the start took %d requests", sent())
	}
	with(host, "configs").call(t, 200, "GET", "/api/configs", "")
	if len(c.tables.Requests()) == 0 || len(c.identity.Requests()) == 0 {
		t.Error("a list took no request: what was counted before means nothing")
	}
	if got := c.secrets.Requests(); len(got) != 0 {
		t.Errorf("a list asked the vault: %q", got)
	}
}

// TestTwoProcessesOnTheSameStores see each other's changes, and what they made
// outlives them.
func TestTwoProcessesOnTheSameStores(t *testing.T) {
	upstream, c := echo(t), newCloud(t, byKey)
	one, two := c.alone(t, "CALLOUT_CONFIG_TTL=1s"), c.alone(t, "CALLOUT_CONFIG_TTL=0s")
	one.call(t, 201, "POST", "/api/configs", whoConfig(upstream.URL))
	two.call(t, 200, "POST", "/api/execute/who", `{}`).mustHold(t, backwards("behind-the-host"))
	one.call(t, 200, "PATCH", "/api/configs/who", `{"auth": {"token": "changed-by-one"}}`)
	one.call(t, 200, "POST", "/api/execute/who", `{}`).mustHold(t, backwards("changed-by-one"))
	two.call(t, 200, "POST", "/api/execute/who", `{}`).mustHold(t, backwards("changed-by-one")) // it remembers nothing

	var e struct{ ExecutionID string }
	one.call(t, 200, "POST", "/api/execute/who", `{}`).decode(t, &e)
	two.call(t, 200, "PATCH", "/api/configs/who", `{"auth": {"token": "changed-by-two"}}`)
	eventually(t, "a process that remembers for a second sees the change", one.executes(200, backwards("changed-by-two")))
	one.kill()
	two.call(t, 200, "GET", "/api/executions/"+e.ExecutionID, "").mustHold(t, "succeeded")
	two.kill()

	three, four := c.alone(t), c.alone(t, "CALLOUT_CONFIG_TTL=1s")
	for _, p := range []*callout{three, four} {
		p.call(t, 200, "POST", "/api/execute/who", `{}`).mustHold(t, backwards("changed-by-two"))
		p.call(t, 200, "GET", "/api/executions/"+e.ExecutionID, "").mustHold(t, "succeeded")
		p.call(t, 200, "GET", "/api/executions?top=1000", "").mustHold(t, e.ExecutionID)
	}
	three.call(t, 204, "DELETE", "/api/configs/who", "")
	eventually(t, "a process that remembers for a second sees the deletion", four.executes(404, "ConfigNotFound"))
}

// executes reports, each time it is asked, whether a call is answered so.
func (c *callout) executes(status int, text string) func() bool {
	return func() bool {
		got, err := c.try("POST", "/api/execute/who", `{}`)
		return err == nil && got.status == status && strings.Contains(got.body, text)
	}
}

// TestSIGKILLLosesNothingInAzure kills Callout while a hundred clients write to
// Table Storage and Key Vault, and looks at what is there.
func TestSIGKILLLosesNothingInAzure(t *testing.T) {
	upstream, c := echo(t), newCloud(t, byKey)
	acknowledged := make([]int, writers)
	for _, round := range []int{2, 5} { // killed early, and late
		writeUntilKilled(c.alone(t, "CALLOUT_LOG_LEVEL=error"), upstream.URL, round, acknowledged)
		c.settle(t)
		again := c.alone(t, "CALLOUT_LOG_LEVEL=error")
		checkAll(t, again, round, acknowledged)
		again.call(t, 200, "GET", "/api/configs?top=1000", "")
		again.kill()
	}
}

// TestTheTimer fires the sweep as the host does, however it encodes what it
// sends, and nobody else can.
func TestTheTimer(t *testing.T) {
	c := newCloud(t, byIdentity)
	for _, mode := range []fakehost.Mode{fakehost.Forwarding, fakehost.Proxying} {
		t.Run(mode.String(), func(t *testing.T) {
			host := c.hosted(t, mode)
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			for _, options := range [][]fakehost.TimerOption{nil, {fakehost.EncodedTwice()}, {fakehost.PastDue()}} {
				result, err := host.Timer(ctx, "sweep", options...)
				if err != nil || len(result.Logs) != 1 || !strings.HasPrefix(result.Logs[0], "swept: 0 approvals expired") {
					t.Errorf("the timer gave %+v, %v", result, err)
				}
			}
			for _, path := range []string{"/sweep", "/api/sweep"} {
				with(host, "configs").call(t, 404, "POST", path, `{}`)
			}
		})
	}
	t.Run("alone", func(t *testing.T) {
		alone := c.alone(t)
		for _, path := range []string{"/sweep", "/api/sweep"} {
			alone.call(t, 404, "POST", path, `{}`)
		}
	})
}

// TestSettingsThatCannotBe: the process ends, and says which setting to mend
// without a word of its value.
func TestSettingsThatCannotBe(t *testing.T) {
	const account = "https://canaryaccount.table.core.windows.net"
	tests := []struct {
		rule  string
		env   []string
		named []string
	}{
		{"the embedded store on Azure",
			[]string{"WEBSITE_INSTANCE_ID=1"}, []string{"CALLOUT_TABLES", "CALLOUT_VAULT"}},
		{"a vault outside Azure's domains on Azure",
			[]string{"WEBSITE_INSTANCE_ID=1", "CALLOUT_TABLES=" + account, "CALLOUT_VAULT=https://canary.example.com"}, []string{"CALLOUT_VAULT"}},
		{"a vault whose name only looks like Azure's",
			[]string{"WEBSITE_INSTANCE_ID=1", "CALLOUT_TABLES=" + account, "CALLOUT_VAULT=https://canary-vault.azure.net.example.com"}, []string{"CALLOUT_VAULT"}},
		{"Azurite on Azure",
			[]string{"WEBSITE_INSTANCE_ID=1", "CALLOUT_TABLES=UseDevelopmentStorage=true", "CALLOUT_VAULT=https://canary.vault.azure.net"}, []string{"CALLOUT_TABLES"}},
		{"a vault by plain http", []string{"CALLOUT_VAULT=http://canary.vault.azure.net"}, []string{"CALLOUT_VAULT"}},
		{"a vault with a path", []string{"CALLOUT_VAULT=https://canary.vault.azure.net/secrets/canary"}, []string{"CALLOUT_VAULT"}},
		{"a directory that is none",
			[]string{"CALLOUT_VAULT=https://canary.vault.azure.net", "AZURE_TENANT_ID=canary/directory"}, []string{"AZURE_TENANT_ID"}},
		{"tables by plain http", []string{"CALLOUT_TABLES=http://canary.table.core.windows.net"}, []string{"CALLOUT_TABLES"}},
		{"tables with a signature", []string{"CALLOUT_TABLES=" + account + "/?sig=canary"}, []string{"CALLOUT_TABLES"}},
		{"a connection string without a key", []string{"CALLOUT_TABLES=AccountName=canaryaccount;"}, []string{"CALLOUT_TABLES"}},
		{"a connection string with half a key",
			[]string{"CALLOUT_TABLES=AccountName=canaryaccount;AccountKey=canary-3f"}, []string{"CALLOUT_TABLES"}},
		{"a connection string that is cut off",
			[]string{"CALLOUT_TABLES=AccountName=canaryaccount;AccountKey=Y2FuYXJ5;EndpointSuf"}, []string{"CALLOUT_TABLES"}},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			p := start(t, handler(), append([]string{"CALLOUT_PORT=0", "CALLOUT_DATA_DIR=" + t.TempDir()}, test.env...))
			refused(t, p, test.named)
		})
	}
}

func refused(t *testing.T, p *process, named []string) {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(30 * time.Second):
		t.Fatalf("the process goes on:\n%s", p.out.String())
	}
	printed := p.out.String()
	if exit, ok := p.status.(*exec.ExitError); !ok || exit.ExitCode() != 1 {
		t.Errorf("the process ended with %v", p.status)
	}
	for _, name := range named {
		if !strings.Contains(printed, name) {
			t.Errorf("%s is not named:\n%s", name, printed)
		}
	}
	for _, value := range []string{"canary", "Y2FuYXJ5", "UseDevelopmentStorage"} {
		if strings.Contains(printed, value) {
			t.Errorf("%q is quoted:\n%s", value, printed)
		}
	}
}

// TestAStoreThatIsDownAtTheStart: the process starts and answers what needs no
// store. What does need it is to be asked for again, and comes right.
func TestAStoreThatIsDownAtTheStart(t *testing.T) {
	upstream, c := echo(t), newCloud(t, byIdentity)
	bare := `{"endpoint": "https://api.example.com/", "method": "GET"}`
	tests := map[string]struct {
		down  *fault.Proxy
		fails [][3]string // method, path and body
		works [][3]string
	}{
		"the tables": {c.tables,
			[][3]string{{"GET", "/api/configs"}, {"POST", "/api/configs", whoConfig(upstream.URL)}, {"PUT", "/api/configs/bare", bare},
				{"DELETE", "/api/configs/bare"}, {"POST", "/api/execute/who", `{}`}, {"GET", "/api/executions"}},
			[][3]string{{"POST", "/api/test", `{"config": ` + whoConfig(upstream.URL) + `}`}}},
		"the vault": {c.secrets,
			[][3]string{{"POST", "/api/configs", whoConfig(upstream.URL)}},
			[][3]string{{"GET", "/api/configs"}, {"PUT", "/api/configs/bare", bare}, {"GET", "/api/executions"}}},
		"the identity": {c.identity,
			[][3]string{{"GET", "/api/configs"}, {"POST", "/api/configs", whoConfig(upstream.URL)}, {"GET", "/api/executions"}},
			[][3]string{{"POST", "/api/test", `{"config": ` + whoConfig(upstream.URL) + `}`}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.down.Use(fault.Always(fault.DropRequest()))
			p := c.alone(t)
			var all sync.WaitGroup
			for _, request := range test.fails {
				all.Go(func() { unavailable(t, p.api, request) })
			}
			for _, request := range append(test.works, [3]string{"GET", "/api/health"}, [3]string{"GET", "/api/openapi.json"}) {
				all.Go(func() { answered(t, p.api, request) })
			}
			all.Wait()
			test.down.Use(nil)
			visit(t, p.door(), upstream.URL)
		})
	}
}

func unavailable(t *testing.T, a api, request [3]string) {
	got, err := a.try(request[0], request[1], request[2])
	if err != nil || got.status != http.StatusServiceUnavailable || got.header.Get("X-Ms-Error-Code") != "StorageUnavailable" || got.header.Get("Retry-After") == "" {
		t.Errorf("%s %s: %d %v %s, %v", request[0], request[1], got.status, got.header, got.body, err)
	}
	if strings.Contains(fmt.Sprint(got.header, got.body), "127.0.0.1") {
		t.Errorf("%s %s tells where the store is: %s", request[0], request[1], got.body)
	}
}

func answered(t *testing.T, a api, request [3]string) {
	got, err := a.try(request[0], request[1], request[2])
	if err != nil || got.status >= 300 {
		t.Errorf("%s %s: %d %s, %v", request[0], request[1], got.status, got.body, err)
	}
}
