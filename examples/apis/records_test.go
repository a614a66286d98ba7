package apis_test

import (
	"testing"

	"callout/handler/callout"
)

// https://rmm.datto.com/help/en/Content/2SETUP/APIv2.htm
func TestDatto(t *testing.T) {
	s := open(t, "datto_rmm_list_devices", "auth.parameters/username", "auth.parameters/password", "auth.tokenAuth.password")
	// the pair is public-client:public
	const asked = `POST /auth/oauth/token HTTP/1.1
Host: concord-api.centrastage.net
User-Agent: Callout/1
Accept: application/json
Content-Type: application/x-www-form-urlencoded
Authorization: Basic cHVibGljLWNsaWVudDpwdWJsaWM=

grant_type=password&password=replace-with-your-api-secret&username=replace-with-your-api-key`
	const granted = `HTTP/1.1 200 OK
Content-Type: application/json;charset=UTF-8

{"access_token": "canary-token-of-datto", "token_type": "bearer", "expires_in": 359999, "scope": "any", "jti": "0a1b"}`
	listed := func(query string) string {
		return `GET /api/v2/account/devices?` + query + ` HTTP/1.1
Host: concord-api.centrastage.net
User-Agent: Callout/1
Accept: application/json, */*;q=0.5
Authorization: Bearer canary-token-of-datto

`
	}
	const devices = `{"pageDetails": {"count": 1, "totalCount": null, "nextPageUrl": null}, "devices": [{"id": 1234567890123456789, "hostname": "SRV 01 & co"}]}`
	const found = `HTTP/1.1 200 OK
Content-Type: application/json

` + devices
	s.play(`{}`, succeeded(devices), asked, granted, listed(`max=50`), found)
	s.play(`{"hostname": "SRV 01 & co", "page": 0, "max": 250}`, succeeded(devices), listed(`max=250&page=0&hostname=SRV+01+%26+co`), found)
	s.play(`{}`, failed(callout.RateLimited, 0, `null`), listed(`max=50`), `HTTP/1.1 429 Too Many Requests

`)
	s.refuse(`{"max": 251}`, "max")
}

// https://docs.rewst.help/documentation/automations/intro-to-triggers/use-cases-and-examples/using-webhook-triggers
func TestRewst(t *testing.T) {
	s := open(t, "rewst_onboard_user", "headers/x-rewst-secret")
	s.refuse(`{}`, "user_email", "user_name")
	const head = `POST /webhooks/custom/trigger/your-trigger-id/your-organisation-id HTTP/1.1
Host: engine.rewst.io
User-Agent: Callout/1
Accept: application/json, */*;q=0.5
Content-Type: application/json
x-rewst-secret: replace-with-your-secret

`
	const started = `HTTP/1.1 200 OK
Content-Type: application/json

{"accepted": true}`
	s.play(`{"user_email": "ada@example.com", "user_name": "Ada Lovelace", "user_phone": "+44 20 7946 0000", "microsoft_licenses": ["O365_BUSINESS_PREMIUM", "VISIO"]}`,
		succeeded(`{"accepted": true}`),
		head+`{"user_email": "ada@example.com", "user_name": "Ada Lovelace", "user_phone": "+44 20 7946 0000", "microsoft_licenses": ["O365_BUSINESS_PREMIUM", "VISIO"]}`,
		started)
	const says = `{"user_email": "ada@example.com", "user_name": "Ada Lovelace"}`
	s.play(says, succeeded(`{"accepted": true}`), head+says, started)
	// a trigger may be told to answer with the request itself
	s.play(says, succeeded(`{"request": {"headers": {"x-rewst-secret": "[secret]"}, "body": `+says+`}}`), head+says, `HTTP/1.1 200 OK
Content-Type: application/json

{"request": {"headers": {"x-rewst-secret": "replace-with-your-secret"}, "body": `+says+`}}`)
	s.play(says, failed(callout.CredentialRejected, 0, `null`), head+says, `HTTP/1.1 401 Unauthorized

`)
}

// The example of the product's own text.
func TestCRM(t *testing.T) {
	s := open(t, "crm_update_contact", "auth.parameters/client_secret")
	s.refuse(`{}`, "email", "name")
	const asked = `POST /oauth/token HTTP/1.1
Host: auth.example.com
User-Agent: Callout/1
Accept: application/json
Content-Type: application/x-www-form-urlencoded

client_id=your-client-id&client_secret=replace-with-your-client-secret&grant_type=client_credentials&scope=contacts.write`
	const granted = `HTTP/1.1 200 OK
Content-Type: application/json

{"access_token": "canary-token-of-the-crm", "token_type": "Bearer", "expires_in": 3600}`
	const head = `POST /v1/contacts HTTP/1.1
Host: api.example.com
User-Agent: Callout/1
Accept: application/json, */*;q=0.5
Content-Type: application/json
Api-Version: 2024-01
Authorization: Bearer canary-token-of-the-crm

`
	const all = `{"email": "ada@example.com", "name": "Ada Lovelace", "notes": "prefers \"letters\""}`
	s.play(all, succeeded(`{"id": 7, "version": 1.10}`), asked, granted, head+all, `HTTP/1.1 200 OK
Content-Type: application/json

{"id": 7, "version": 1.10}`)
	const says = `{"email": "ada@example.com", "name": "Ada Lovelace"}`
	const taken = `{"error": "another contact has this address"}`
	s.play(says, failed(callout.UpstreamClientError, 0, taken), head+says, `HTTP/1.1 409 Conflict
Content-Type: application/json

`+taken)
}
