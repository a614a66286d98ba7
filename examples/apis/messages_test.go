package apis_test

import (
	"testing"

	"callout/handler/callout"
)

// https://api.slack.com/messaging/webhooks, https://api.slack.com/apis/rate-limits
func TestSlack(t *testing.T) {
	s := open(t, "slack_post_message", "endpoint")
	s.refuse(`{}`, "header", "text")
	const says = `{"header": "Mail", "text": "\"It\" works <https://status.example.com|again>\n& that's it {{header}}"}`
	const posted = `POST /services/T00000000/B00000000/replace-with-your-webhook HTTP/1.1
Host: hooks.slack.com
User-Agent: Callout/1
Accept: application/json, */*;q=0.5
Content-Type: application/json

{
	"text": "Mail: \"It\" works <https://status.example.com|again>\n& that's it {{header}}",
	"blocks": [
		{"type": "header", "text": {"type": "plain_text", "text": "Mail"}},
		{"type": "section", "text": {"type": "mrkdwn", "text": "\"It\" works <https://status.example.com|again>\n& that's it {{header}}"}}
	]
}`
	s.play(says, succeeded(`"ok"`), posted, `HTTP/1.1 200 OK
Content-Type: text/html

ok`)
	s.play(says, failed(callout.RateLimited, 30, `null`), posted, `HTTP/1.1 429 Too Many Requests
Retry-After: 30

`)
	s.play(says, failed(callout.UpstreamClientError, 0, `"invalid_blocks"`), posted, `HTTP/1.1 400 Bad Request
Content-Type: text/html

invalid_blocks`)
	s.play(says, failed(callout.UpstreamClientError, 0, `"no_service"`), posted, `HTTP/1.1 404 Not Found
Content-Type: text/html

no_service`)
}

// https://support.microsoft.com/office/create-incoming-webhooks-with-workflows-for-microsoft-teams-8ae491c7-0394-4861-ba59-055e33f75498
func TestTeams(t *testing.T) {
	s := open(t, "teams_post_card", "endpoint")
	s.refuse(`{}`, "title", "text")
	const head = `POST /powerautomate/automations/direct/workflows/your-workflow/triggers/manual/paths/invoke?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=replace-with-your-signature HTTP/1.1
Host: your-environment.09.environment.api.powerplatform.com
User-Agent: Callout/1
Accept: application/json, */*;q=0.5
Content-Type: application/json

`
	card := func(facts string) string {
		return head + `{"type": "message", "attachments": [{
	"contentType": "application/vnd.microsoft.card.adaptive",
	"content": {
		"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
		"body": [
			{"type": "TextBlock", "text": "Ticket 4711", "weight": "Bolder", "size": "Medium"},
			{"type": "TextBlock", "text": "The printer is on fire.", "wrap": true},
			{"type": "FactSet", "facts": ` + facts + `}
		]
	}
}]}`
	}
	const accepted = `HTTP/1.1 202 Accepted

`
	s.play(`{"title": "Ticket 4711", "text": "The printer is on fire.", "facts": [{"title": "Floor", "value": "2"}, {"title": "Alarm", "value": "yes"}]}`,
		succeeded(`null`), card(`[{"title": "Floor", "value": "2"}, {"title": "Alarm", "value": "yes"}]`), accepted)
	const brief = `{"title": "Ticket 4711", "text": "The printer is on fire."}`
	s.play(brief, succeeded(`null`), card(`[]`), accepted)
	const unsigned = `{"error": {"code": "DirectApiAuthorizationRequired", "message": "The OAuth authorization scheme is required to be used to access this resource."}}`
	s.play(brief, failed(callout.CredentialRejected, 0, unsigned), card(`[]`), `HTTP/1.1 401 Unauthorized
Content-Type: application/json; charset=utf-8

`+unsigned)
	s.play(brief, failed(callout.RateLimited, 17, `null`), card(`[]`), `HTTP/1.1 429 Too Many Requests
Retry-After: 17

`)
}

// https://developer.pagerduty.com/docs/send-alert-event
func TestPagerDuty(t *testing.T) {
	s := open(t, "pagerduty_event", "secretValues/routing_key")
	s.refuse(`{}`, "event_action", "dedup_key", "summary", "source")
	const head = `POST /v2/enqueue HTTP/1.1
Host: events.pagerduty.com
User-Agent: Callout/1
Accept: application/json, */*;q=0.5
Content-Type: application/json

`
	const taken = `HTTP/1.1 202 Accepted
Content-Type: application/json

{"status": "success", "message": "Event processed", "dedup_key": "T4711"}`
	s.play(`{"event_action": "trigger", "dedup_key": "T4711", "summary": "disk full", "source": "db-1", "severity": "critical",
			"custom_details": {"load": 1.10, "bytes": 12345678901234567890, "mounts": ["/", "/var"], "owner": null}}`,
		succeeded(`{"status": "success", "message": "Event processed", "dedup_key": "T4711"}`),
		head+`{
	"routing_key": "replace-with-your-routing-key", "event_action": "trigger", "dedup_key": "T4711",
	"payload": {"summary": "disk full", "source": "db-1", "severity": "critical",
		"custom_details": {"load": 1.10, "bytes": 12345678901234567890, "mounts": ["/", "/var"], "owner": null}}
}`, taken)

	const resolves = `{"event_action": "resolve", "dedup_key": "T4711", "summary": "disk full", "source": "db-1"}`
	const resolved = head + `{
	"routing_key": "replace-with-your-routing-key", "event_action": "resolve", "dedup_key": "T4711",
	"payload": {"summary": "disk full", "source": "db-1", "severity": "error"}
}`
	s.play(resolves, succeeded(`{"status": "success", "message": "Event processed", "dedup_key": "T4711"}`), resolved, taken)
	const invalid = `{"status": "invalid event", "message": "Event object is invalid", "errors": ["Length of 'routing_key' is incorrect (should be 32 characters)"]}`
	s.play(resolves, failed(callout.UpstreamClientError, 0, invalid), resolved, `HTTP/1.1 400 Bad Request
Content-Type: application/json

`+invalid)
	s.play(resolves, failed(callout.RateLimited, 0, `null`), resolved, `HTTP/1.1 429 Too Many Requests

`)
	s.refuse(`{"event_action": "close", "dedup_key": "T4711", "summary": "disk full", "source": "db-1"}`, "event_action")
	s.refuse(`{"event_action": "resolve", "dedup_key": "T4711", "summary": "disk full", "source": "db-1", "routing_key": "mine"}`, "routing_key")
}

// https://learn.microsoft.com/graph/api/user-sendmail, https://learn.microsoft.com/graph/throttling
func TestGraph(t *testing.T) {
	s := open(t, "graph_send_mail", "auth.parameters/client_secret")
	s.refuse(`{}`, "to", "subject", "text")
	const asked = `POST /your-tenant-id/oauth2/v2.0/token HTTP/1.1
Host: login.microsoftonline.com
User-Agent: Callout/1
Accept: application/json
Content-Type: application/x-www-form-urlencoded

client_id=your-client-id&client_secret=replace-with-your-client-secret&grant_type=client_credentials&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default`
	const says = `{"to": "ada@example.com", "subject": "Your ticket", "text": "It is done.\r\nBye"}`
	s.play(says, failed(callout.TokenRequestFailed, 0, ``), asked, `HTTP/1.1 401 Unauthorized
Content-Type: application/json; charset=utf-8

{"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided.", "error_codes": [7000215]}`)

	s.clock.pass(day) // somebody has put it right
	const sent = `POST /v1.0/users/servicedesk@example.com/sendMail HTTP/1.1
Host: graph.microsoft.com
User-Agent: Callout/1
Accept: application/json, */*;q=0.5
Content-Type: application/json
Authorization: Bearer canary-token-of-graph

{
	"message": {
		"subject": "Your ticket",
		"body": {"contentType": "Text", "content": "It is done.\r\nBye"},
		"toRecipients": [{"emailAddress": {"address": "ada@example.com"}}]
	},
	"saveToSentItems": true
}`
	s.play(says, succeeded(`null`), asked, `HTTP/1.1 200 OK
Content-Type: application/json; charset=utf-8

{"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": "canary-token-of-graph"}`, sent, `HTTP/1.1 202 Accepted

`)
	const throttled = `{"error": {"code": "ApplicationThrottled", "message": "Application is over its MailboxConcurrency limit."}}`
	s.play(says, failed(callout.RateLimited, 10, throttled), sent, `HTTP/1.1 429 Too Many Requests
Content-Type: application/json
Retry-After: 10

`+throttled)
}

// https://www.twilio.com/docs/messaging/api/message-resource, https://www.twilio.com/docs/api/errors/20429
func TestTwilio(t *testing.T) {
	s := open(t, "twilio_send_message", "auth.password")
	s.refuse(`{}`, "To", "Body")
	const says = `{"To": "+491701234567", "Body": "läuft & = 100%?\n{{To}}"}`
	// the pair is ACreplacewithyouraccountsid:replace-with-your-auth-token
	const posted = `POST /2010-04-01/Accounts/ACreplacewithyouraccountsid/Messages.json HTTP/1.1
Host: api.twilio.com
User-Agent: Callout/1
Accept: application/json, */*;q=0.5
Content-Type: application/x-www-form-urlencoded
Authorization: Basic QUNyZXBsYWNld2l0aHlvdXJhY2NvdW50c2lkOnJlcGxhY2Utd2l0aC15b3VyLWF1dGgtdG9rZW4=

To=%2B491701234567&From=%2B15005550006&Body=l%C3%A4uft+%26+%3D+100%25%3F%0A%7B%7BTo%7D%7D`
	s.play(says, succeeded(`{"sid": "SM1f3eb5e1e6e7e1ef9d2ee1b2f1b6c5d7", "status": "queued", "price": null, "num_segments": "1"}`), posted, `HTTP/1.1 201 Created
Content-Type: application/json;charset=utf-8

{"sid": "SM1f3eb5e1e6e7e1ef9d2ee1b2f1b6c5d7", "status": "queued", "price": null, "num_segments": "1"}`)
	const limited = `{"code": 20429, "message": "Too Many Requests", "more_info": "https://www.twilio.com/docs/errors/20429", "status": 429}`
	s.play(says, failed(callout.RateLimited, 2, limited), posted, `HTTP/1.1 429 Too Many Requests
Content-Type: application/json
Retry-After: 2

`+limited)
	const invalid = `{"code": 21211, "message": "Invalid 'To' Phone Number", "more_info": "https://www.twilio.com/docs/errors/21211", "status": 400}`
	s.play(says, failed(callout.UpstreamClientError, 0, invalid), posted, `HTTP/1.1 400 Bad Request
Content-Type: application/json

`+invalid)
	s.refuse(`{"To": "+491701234567", "Body": "hello", "From": "+491700000000"}`, "From")
}
