package execute_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"callout/handler/callout"
	"callout/handler/execute"
)

// Before there is an execution: nothing is sent and nothing is recorded.
func TestCallsThatAreRefused(t *testing.T) {
	const fields = `"method": "POST", "fields": [{"name": "email", "type": "string", "required": true}, {"name": "age", "type": "integer", "minimum": 18}, {"name": "kind", "type": "string", "enum": ["a", "b"]}]`
	tests := []struct {
		name, members, arguments string
		before                   func(*house)
		code                     string
		targets                  []string
	}{
		{name: "switched off", members: `"enabled": false`, code: callout.ConfigDisabled},
		{name: "every fault of the arguments", members: fields, arguments: `{"age": 17, "kind": "canary", "canary": 1, "more": {}}`,
			code: callout.InvalidArguments, targets: []string{"arguments.age", "arguments.canary", "arguments.email", "arguments.kind", "arguments.more"}},
		{name: "null for a required argument", members: fields, arguments: `{"email": null}`, code: callout.InvalidArguments, targets: []string{"arguments.email"}},
		{name: "secrets disabled", members: `"auth": {"type": "bearer", "token": "canary-token"}`, code: string(callout.CredentialMissing),
			before: func(h *house) { h.disable() }},
		{name: "vault down", members: `"auth": {"type": "bearer", "token": "canary-token"}`, code: callout.StorageUnavailable,
			before: func(h *house) { h.vault.down = true }},
		{name: "a header whose secret was cleared", members: `"headers": [{"name": "X-Key", "value": null}]`, code: string(callout.CredentialMissing)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := newHouse(t, fine)
			h.configure(test.members)
			if test.before != nil {
				test.before(h)
			}
			e, err := h.try(orEmpty(test.arguments))
			refusal := wantCode(t, err, test.code)
			var got []string
			for _, fault := range refusal.Details {
				got = append(got, fault.Target)
			}
			if slices.Sort(got); !slices.Equal(got, test.targets) {
				t.Errorf("the faults are at %v, want %v", got, test.targets)
			}
			if e != nil || len(h.history()) != 0 {
				t.Errorf("there is an execution: %v, on record %v", e, h.history())
			}
			wantSeen(t, h.api, 0)
		})
	}
}

// disable switches off the secrets of api in the vault.
func (h *house) disable() {
	h.t.Helper()
	config, err := h.Catalog.Get(h.t.Context(), "api")
	if err != nil {
		h.t.Fatal(err)
	}
	if err := h.store.Vault().Disable(h.t.Context(), "callout-"+config.ID, config.SecretVersion); err != nil {
		h.t.Fatal(err)
	}
}

func TestACallOfNoConfiguration(t *testing.T) {
	h := newHouse(t, fine)
	for _, name := range []string{"", "nope", "API", "../api"} {
		_, err := h.Do(t.Context(), execute.Call{Config: name})
		wantCode(t, err, callout.ConfigNotFound)
	}
	if list := h.history(); len(list) != 0 {
		t.Errorf("on record is %v", list)
	}
}

// A configuration that is changed or switched off is so for the next call.
func TestAChangeCountsFromTheNextCallOn(t *testing.T) {
	h := newHouse(t, fine)
	h.configure(`"auth": {"type": "bearer", "token": "canary-token-1"}`)
	h.call(`{}`)
	h.configure(`"auth": {"type": "bearer", "token": "canary-token-2"}`)
	h.call(`{}`)
	h.configure(`"enabled": false`)
	_, err := h.try(`{}`)
	wantCode(t, err, callout.ConfigDisabled)
	var sent []string
	for _, request := range h.api.requests() {
		sent = append(sent, request.header.Get("Authorization"))
	}
	if want := []string{"Bearer canary-token-1", "Bearer canary-token-2"}; !slices.Equal(sent, want) {
		t.Errorf("sent was %v, want %v", sent, want)
	}
}

// Many calls share configuration, secrets and connections, and nothing else.
func TestManyCallsAtTheSameMoment(t *testing.T) {
	h := newHouse(t, echo)
	h.configure(`"method": "POST", "auth": {"type": "bearer", "token": "canary-token"}, "fields": [{"name": "n", "type": "integer"}]`)
	const calls = 64
	var all sync.WaitGroup
	for i := range calls {
		all.Go(func() {
			e, err := h.try(fmt.Sprintf(`{"n": %d}`, i))
			if err != nil {
				t.Error(err)
				return
			}
			want := fmt.Sprintf(`{"n":%d}`, i)
			if string(e.Response.Body) != want || string(e.Request.Body) != want || e.Status != callout.Succeeded {
				t.Errorf("call %d: %s", i, encode(t, e))
			}
			h.wantRecord(e)
		})
	}
	all.Wait()
	wantSeen(t, h.api, calls)
	if list := h.history(); len(list) != calls {
		t.Errorf("%d are on record, want %d", len(list), calls)
	}
}
