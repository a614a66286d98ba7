package draft_test

import "callout/handler/request"

// vendors are commands from the documentation of APIs, with credentials that are
// none.
func vendors() []printed {
	return []printed{
		{name: "Slack webhook", command: `curl -X POST -H 'Content-type: application/json' --data '{"text":"Hello, World!"}' https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX`,
			draft: `slack_post POST https://hooks.slack.com/… none | text string="Hello, World!"`},
		{name: "Slack message", command: `curl -d "text=Hi I am a bot that can post messages to any public channel." -d "channel=C123456" \
  -H "Authorization: Bearer xoxb-not-a-real-token-this-will-not-work" \
  -X POST https://slack.com/api/chat.postMessage`,
			draft: `slack_post_chat POST https://slack.com/api/chat.postMessage bearer | form | text string="Hi I am a bot that can post messages to any public channel." | channel string="C123456"`},
		{name: "Slack blocks", command: `curl -X POST https://slack.com/api/chat.postMessage -H "Authorization: Bearer xoxb-not-a-real-token" -H 'Content-type: application/json; charset=utf-8' --data '{"channel":"C061EG9SL","blocks":[{"type":"section","text":{"type":"mrkdwn","text":"*Hello* <https://example.com|there> & more"}}]}'`,
			draft: `slack_post_chat POST https://slack.com/api/chat.postMessage bearer | Content-Type: application/json; charset=utf-8 | {"channel":"C061EG9SL","blocks":[{"type":"section","text":{"type":"mrkdwn","text":"*Hello* <https://example.com|there> & more"}}]}`},
		{name: "Twilio message", command: `curl -X POST "https://api.twilio.com/2010-04-01/Accounts/ACXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX/Messages.json" \
--data-urlencode "From=+15557122661" \
--data-urlencode "Body=Hi there & welcome" \
--data-urlencode "To=+15558675310" \
-u $TWILIO_ACCOUNT_SID:$TWILIO_AUTH_TOKEN`, variables: []string{"TWILIO_ACCOUNT_SID=ACXXXX", "TWILIO_AUTH_TOKEN=not-a-real-token"},
			secrets: map[string]string{"auth.username": "ACXXXX", "auth.password": "not-a-real-token"},
			draft:   `twilio_post_accounts_messages POST https://api.twilio.com/2010-04-01/Accounts/ACXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX/Messages.json basic (secret) | form | From string="+15557122661" | Body string="Hi there & welcome" | To string="+15558675310"`},
		{name: "Twilio with the values in it", command: `curl 'https://api.twilio.com/2010-04-01/Accounts/AC00000000000000000000000000000001/Messages.json' -X POST --data-urlencode 'To=+15558675310' --data-urlencode 'Body=Ahoy' -u AC00000000000000000000000000000001:not-a-real-auth-token`,
			draft: `twilio_post_accounts_messages POST https://api.twilio.com/2010-04-01/Accounts/AC00000000000000000000000000000001/Messages.json basic AC00000000000000000000000000000001 | form | To string="+15558675310" | Body string="Ahoy"`},
		{name: "Stripe payment", command: `curl https://api.stripe.com/v1/payment_intents \
  -u "sk_test_4eC39HqLyjWDarjtT1zdp7dc:" \
  -H "Stripe-Account: acct_1032D82eZvKYlo2C" \
  -d amount=2000 \
  -d currency=usd \
  -d "automatic_payment_methods[enabled]"=true \
  -d "metadata[order_id]"=6735`,
			draft: `stripe_post_payment_intents POST https://api.stripe.com/v1/payment_intents basic (secret) | Stripe-Account: acct_1032D82eZvKYlo2C | form | {"amount":"{{amount}}","currency":"{{currency}}","automatic_payment_methods[enabled]":"{{automatic_payment_methods_enabled}}","metadata[order_id]":"{{metadata_order_id}}"} | amount string="2000" | currency string="usd" | automatic_payment_methods_enabled string="true" | metadata_order_id string="6735"`},
		{name: "Stripe list", command: `curl -G https://api.stripe.com/v1/customers -u sk_test_4eC39HqLyjWDarjtT1zdp7dc: -d limit=3 -d "created[gt]"=1700000000`,
			draft: `stripe_get_customers GET https://api.stripe.com/v1/customers?limit={{limit}}&created[gt]={{created_gt}} basic (secret) | limit string="3" | created_gt string="1700000000"`},
		{name: "Stripe expand", command: `curl https://api.stripe.com/v1/charges/ch_3LmzzQ2eZvKYlo2C0XjzUzJV -u sk_test_4eC39HqLyjWDarjtT1zdp7dc: -d "expand[]"=customer -d "expand[]"="payment_intent.customer" -X POST`,
			draft: `stripe_post_charges POST https://api.stripe.com/v1/charges/ch_3LmzzQ2eZvKYlo2C0XjzUzJV basic (secret) | form | {"expand[]":"{{expand}}"} | expand array=["customer","payment_intent.customer"]`},
		{name: "GitHub issue", command: `curl -L \
  -X POST \
  -H "Accept: application/vnd.github+json" \
  -H "Authorization: Bearer <YOUR-TOKEN>" \
  -H "X-GitHub-Api-Version: 2022-11-28" \
  https://api.github.com/repos/OWNER/REPO/issues \
  -d '{"title":"Found a bug","body":"I'\''m having a problem with this.","assignees":["octocat"],"milestone":1,"labels":["bug"]}'`,
			draft: `github_post_owner_repo_issues POST https://api.github.com/repos/OWNER/REPO/issues bearer | Accept: application/vnd.github+json | X-GitHub-Api-Version: 2022-11-28 | Content-Type: application/x-www-form-urlencoded | {"title":"Found a bug","body":"I'm having a problem with this.","assignees":["octocat"],"milestone":1,"labels":["bug"]}`},
		{name: "GitHub dispatch", command: `curl -i -u octocat:ghp_notarealtoken -X POST https://api.github.com/repos/octocat/hello/issues/42/lock -d '{"lock_reason":"off-topic"}'`,
			draft: `github_post_hello_issues_lock POST https://api.github.com/repos/octocat/hello/issues/42/lock basic octocat | Content-Type: application/x-www-form-urlencoded | lock_reason string="off-topic"`},
		{name: "Jira issue", command: `curl --request POST \
  --url 'https://your-domain.atlassian.net/rest/api/3/issue' \
  --user 'email@example.com:<api_token>' \
  --header 'Accept: application/json' \
  --header 'Content-Type: application/json' \
  --data '{
  "fields": {
    "project": { "key": "EX" },
    "issuetype": { "name": "Bug" },
    "summary": "Main order flow broken",
    "labels": ["bugfix", "blitz_test"],
    "timetracking": { "originalEstimate": "10" }
  },
  "update": {}
}'`,
			draft: `atlassian_post_issue POST https://your-domain.atlassian.net/rest/api/3/issue basic email@example.com | Accept: application/json | {"fields":{"project":{"key":"EX"},"issuetype":{"name":"Bug"},"summary":"Main order flow broken","labels":["bugfix","blitz_test"],"timetracking":{"originalEstimate":"10"}},"update":{}}`},
		{name: "Jira search", command: `curl --request GET --url "https://your-domain.atlassian.net/rest/api/3/search?jql=project%20%3D%20HSP&maxResults=50" --user 'email@example.com:api_token_123' --header 'Accept: application/json'`,
			draft: `atlassian_get_search GET https://your-domain.atlassian.net/rest/api/3/search?jql=project%20%3D%20HSP&maxResults=50 basic email@example.com | Accept: application/json`},
		{name: "ServiceNow incident", command: `curl "https://instance.service-now.com/api/now/table/incident" \
--request POST \
--header "Accept:application/json" \
--header "Content-Type:application/json" \
--data "{
  \"short_description\": \"Unable to connect to office wifi\",
  \"assignment_group\": \"287ebd7da9fe198100f92cc8d1d2154e\",
  \"urgency\": \"2\",
  \"impact\": \"2\"
}" \
--user 'username':'not-a-password'`,
			draft: `service_now_post_now_table_incident POST https://instance.service-now.com/api/now/table/incident basic username | Accept: application/json | short_description string="Unable to connect to office wifi" | assignment_group string="287ebd7da9fe198100f92cc8d1d2154e" | urgency string="2" | impact string="2"`},
		{name: "PagerDuty event", command: `curl --request 'POST' --url 'https://events.pagerduty.com/v2/enqueue' --header 'Content-Type: application/json' --data '{"payload":{"summary":"Test alert","severity":"critical","source":"Alert source"},"routing_key":"R0123456789abcdefghijklmnopqrstu","event_action":"trigger","dedup_key":"srv01/mysql"}'`,
			draft: `pagerduty_post_enqueue POST https://events.pagerduty.com/v2/enqueue none | {"payload":{"summary":"Test alert","severity":"critical","source":"Alert source"},"routing_key":"{{secret.routing_key}}","event_action":"trigger","dedup_key":"srv01/mysql"}`},
		{name: "PagerDuty incident", command: `curl -X POST --header 'Content-Type: application/json' --header 'Accept: application/vnd.pagerduty+json;version=2' --header 'From: user@example.com' --header 'Authorization: Token token=y_NbAkKc66ryYTWUXYEu' -d '{
  "incident": {"type": "incident", "title": "The server is on fire."}
}' 'https://api.pagerduty.com/incidents'`,
			draft: `pagerduty_post_incidents POST https://api.pagerduty.com/incidents apiKey Authorization Token token= | Accept: application/vnd.pagerduty+json;version=2 | From: user@example.com | {"incident":{"type":"incident","title":"The server is on fire."}}`},
		{name: "OpenAI", command: `curl https://api.openai.com/v1/chat/completions \
  -H "Content-Type: application/json" \
  -H "Authorization: Bearer $OPENAI_API_KEY" \
  -d '{
     "model": "gpt-4o-mini",
     "messages": [{"role": "user", "content": "Say this is a test!"}],
     "temperature": 0.7, "max_tokens": 7
   }'`, variables: []string{"OPENAI_API_KEY=sk-not-a-real-key"}, secrets: map[string]string{"auth.token": "sk-not-a-real-key"},
			draft: `openai_post_chat_completions POST https://api.openai.com/v1/chat/completions bearer | {"model":"gpt-4o-mini","messages":[{"role":"user","content":"Say this is a test!"}],"temperature":0.7,"max_tokens":7}`},
		{name: "Anthropic", command: `curl https://api.anthropic.com/v1/messages \
     --header "x-api-key: $ANTHROPIC_API_KEY" \
     --header "anthropic-version: 2023-06-01" \
     --header "content-type: application/json" \
     --data \
'{"model": "claude", "max_tokens": 1024, "messages": [{"role": "user", "content": "Hello, world"}]}'`,
			variables: []string{"ANTHROPIC_API_KEY=sk-ant-not-real"}, secrets: map[string]string{"auth.key": "sk-ant-not-real"},
			draft: `anthropic_post_messages POST https://api.anthropic.com/v1/messages apiKey x-api-key | anthropic-version: 2023-06-01 | {"model":"claude","max_tokens":1024,"messages":[{"role":"user","content":"Hello, world"}]}`},
		{name: "Graph mail", command: `curl -X POST "https://graph.microsoft.com/v1.0/users/adele@contoso.example/sendMail" -H "Authorization: Bearer eyJ0eXAiOiJKV1Qi" -H "Content-Type: application/json" -d '{"message":{"subject":"Meet for lunch?","body":{"contentType":"Text","content":"The new cafeteria is open."},"toRecipients":[{"emailAddress":{"address":"garthf@contoso.example"}}]},"saveToSentItems":false}'`,
			draft: `microsoft_post_users_send_mail POST https://graph.microsoft.com/v1.0/users/adele@contoso.example/sendMail bearer | {"message":{"subject":"Meet for lunch?","body":{"contentType":"Text","content":"The new cafeteria is open."},"toRecipients":[{"emailAddress":{"address":"garthf@contoso.example"}}]},"saveToSentItems":false}`},
		{name: "Graph filter", command: `curl -G "https://graph.microsoft.com/v1.0/users" --data-urlencode "\$filter=startswith(displayName,'A')" --data-urlencode '$top=5' -H 'ConsistencyLevel: eventual' --oauth2-bearer eyJ0eXAiOiJKV1Qi`,
			draft: `microsoft_get_users GET https://graph.microsoft.com/v1.0/users?$filter={{filter}}&$top={{top}} bearer | ConsistencyLevel: eventual | filter string="startswith(displayName,'A')" | top string="5"`},
		{name: "SendGrid", command: `curl --request POST \
--url https://api.sendgrid.com/v3/mail/send \
--header "Authorization: Bearer $SENDGRID_API_KEY" \
--header 'Content-Type: application/json' \
--data '{"personalizations": [{"to": [{"email": "test@example.com"}]}],"from": {"email": "test@example.com"},"subject": "Sending {{first_name}}","content": [{"type": "text/plain", "value": "and easy to do anywhere"}]}'`,
			variables: []string{"SENDGRID_API_KEY=SG.not-a-real-key"}, secrets: map[string]string{"auth.token": "SG.not-a-real-key"},
			draft: `sendgrid_post_mail_send POST https://api.sendgrid.com/v3/mail/send bearer | {"personalizations":[{"to":[{"email":"test@example.com"}]}],"from":{"email":"test@example.com"},"subject":"{{subject}}","content":[{"type":"text/plain","value":"and easy to do anywhere"}]} | subject string="Sending {{first_name}}"`},
		{name: "Datadog monitors", command: `curl -X GET "https://api.datadoghq.com/api/v1/monitor?page=0&page_size=100" \
-H "Accept: application/json" \
-H "DD-API-KEY: ${DD_API_KEY}" \
-H "DD-APPLICATION-KEY: ${DD_APP_KEY}"`, variables: []string{"DD_API_KEY=api-key-1", "DD_APP_KEY=app-key-1"},
			secrets: map[string]string{"headers/DD-API-KEY": "api-key-1", "headers/DD-APPLICATION-KEY": "app-key-1"},
			draft:   `datadoghq_get_monitor GET https://api.datadoghq.com/api/v1/monitor?page=0&page_size=100 none | Accept: application/json | DD-API-KEY: (secret) | DD-APPLICATION-KEY: (secret)`},
		{name: "Cloudflare", command: `curl https://api.cloudflare.com/client/v4/zones/023e105f4ecef8ad9ca31a8372d0c353/dns_records \
    -H 'Content-Type: application/json' \
    -H "X-Auth-Email: me@example.com" \
    -H "X-Auth-Key: c2547eb745079dac9320b638f5e225cf483cc5cfdda41" \
    -d '{"comment": "Domain verification record", "content": "198.51.100.4", "name": "example.com", "proxied": true, "ttl": 3600, "type": "A"}'`,
			draft: `cloudflare_post_client_zones_dns_records POST https://api.cloudflare.com/client/v4/zones/023e105f4ecef8ad9ca31a8372d0c353/dns_records apiKey X-Auth-Key | X-Auth-Email: me@example.com | comment string="Domain verification record" | content string="198.51.100.4" | name string="example.com" | proxied boolean=true | ttl integer=3600 | type string="A"`},
		{name: "GitLab issue", command: `curl --request POST --header "PRIVATE-TOKEN: <your_access_token>" "https://gitlab.example.com/api/v4/projects/4/issues?title=Issues%20with%20auth&labels=bug"`,
			draft: `example_post_projects_issues POST https://gitlab.example.com/api/v4/projects/4/issues?title=Issues%20with%20auth&labels=bug apiKey PRIVATE-TOKEN | none`},
		{name: "Zendesk ticket", command: `curl https://example.zendesk.com/api/v2/tickets.json -d '{"ticket": {"subject": "My printer is on fire!", "comment": { "body": "The smoke is very colorful." }}}' -H "Content-Type: application/json" -v -u jdoe@example.com/token:6wiIBWbGkBMo1mRDMuVwkw1EPsNkeUj95PIz2akv -X POST`,
			draft: `zendesk_post_tickets POST https://example.zendesk.com/api/v2/tickets.json basic jdoe@example.com/token | {"ticket":{"subject":"My printer is on fire!","comment":{"body":"The smoke is very colorful."}}}`},
		{name: "Freshdesk", command: `curl -v -u yourapikey123:X -H "Content-Type: application/json" -X PUT -d '{ "status":3, "priority":2, "spam":false, "due_by":null }' 'https://domain.freshdesk.com/api/v2/tickets/1'`,
			draft: `freshdesk_put_tickets PUT https://domain.freshdesk.com/api/v2/tickets/1 basic (secret) | {"status":"{{status}}","priority":"{{priority}}","spam":"{{spam}}","due_by":null} | status integer=3 | priority integer=2 | spam boolean=false`},
		{name: "HubSpot", command: `curl --request PATCH \
  --url 'https://api.hubapi.com/crm/v3/objects/contacts/512' \
  --header 'authorization: Bearer YOUR_ACCESS_TOKEN' \
  --header 'content-type: application/json' \
  --data '{"properties":{"email":"example@hubspot.example","phone":"+18884827768"}}'`,
			draft: `hubapi_patch_crm_objects_contacts PATCH https://api.hubapi.com/crm/v3/objects/contacts/512 bearer | {"properties":{"email":"example@hubspot.example","phone":"+18884827768"}}`},
		{name: "Elasticsearch", command: `curl -X PUT "localhost:9200/customer/_doc/1?pretty" -H 'Content-Type: application/json' -d'
{
  "name": "John Doe"
}
'`,
			draft: `localhost_put_customer_doc PUT https://localhost:9200/customer/_doc/1?pretty none | name string="John Doe"`},
		{name: "Opsgenie", command: `curl -X POST https://api.opsgenie.com/v2/alerts -H "Content-Type: application/json" -H "Authorization: GenieKey eb243592-faa2-4ba2-a551q-1afdf565c889" -d '{"message":"An example alert message","alias":"Life is too short for no alias","tags":["OverwriteQuietHours","Critical"],"priority":"P1"}'`,
			draft: `opsgenie_post_alerts POST https://api.opsgenie.com/v2/alerts apiKey Authorization GenieKey | {"message":"An example alert message","alias":"Life is too short for no alias","tags":["OverwriteQuietHours","Critical"],"priority":"P1"}`},
		{name: "Okta", command: `curl -v -X DELETE -H "Accept: application/json" -H "Authorization: SSWS 00QCjAl4MlV-WPXM" "https://example.okta.com/api/v1/users/00u1ero7vZFVEIYLWPBN"`,
			draft: `okta_delete_users DELETE https://example.okta.com/api/v1/users/00u1ero7vZFVEIYLWPBN apiKey Authorization SSWS | Accept: application/json`},
		{name: "Notion", command: `curl 'https://api.notion.com/v1/pages' \
  -H 'Authorization: Bearer '"$NOTION_API_KEY"'' \
  -H "Content-Type: application/json" \
  -H "Notion-Version: 2022-06-28" \
  --data '{"parent": { "database_id": "d9824bdc84454327be8b5b47500af6ce" }, "icon": {"emoji": "🥬"}}'`,
			variables: []string{"NOTION_API_KEY=ntn_not_a_key"}, secrets: map[string]string{"auth.token": "ntn_not_a_key"},
			draft: `notion_post_pages POST https://api.notion.com/v1/pages bearer | Notion-Version: 2022-06-28 | {"parent":{"database_id":"d9824bdc84454327be8b5b47500af6ce"},"icon":{"emoji":"🥬"}}`},
		{name: "Airtable", command: `curl -v -XPATCH https://api.airtable.com/v0/app0000/Table%201 -H "Authorization: Bearer patNotAToken.123" -H "Content-Type: application/json" --data '{"records":[{"id":"rec1","fields":{"Name":"A"}}]}'`,
			draft: `airtable_patch PATCH https://api.airtable.com/v0/app0000/Table%201 bearer | {"records":[{"id":"rec1","fields":{"Name":"A"}}]}`},
		{name: "Shopify", command: `curl -X GET "https://your-development-store.myshopify.com/admin/api/2024-01/products.json?ids=632910392%2C921728736" -H "X-Shopify-Access-Token: shpat_notatoken"`,
			draft: `myshopify_get_admin_products GET https://your-development-store.myshopify.com/admin/api/2024-01/products.json?ids=632910392%2C921728736 apiKey X-Shopify-Access-Token`},
		{name: "Discord webhook", command: `curl -H "Content-Type: application/json" -d '{"username": "test", "content": "hello"}' "https://discord.com/api/webhooks/1234567890/not-a-real-token"`,
			draft: `discord_post POST https://discord.com/… none | username string="test" | content string="hello"`},
		{name: "Teams workflow", command: `curl -H 'Content-Type: application/json' -d '{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","content":{"type":"AdaptiveCard","version":"1.4","body":[{"type":"TextBlock","text":"Hi"}]}}]}' 'https://prod-01.westeurope.logic.azure.com:443/workflows/0123/triggers/manual/paths/invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=not-a-signature'`,
			draft: `azure_post POST https://prod-01.westeurope.logic.azure.com/… none | {"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","content":{"type":"AdaptiveCard","version":"1.4","body":[{"type":"TextBlock","text":"Hi"}]}}]}`},
		{name: "Zapier hook", command: `curl -X POST https://hooks.zapier.com/hooks/catch/1234567/abcdef/ -d "name=Ann"`,
			draft: `zapier_post POST https://hooks.zapier.com/… none | form | name string="Ann"`},
		{name: "Google Maps", command: `curl "https://maps.googleapis.com/maps/api/geocode/json?address=1600+Amphitheatre+Parkway&key=AIzaNotAKey0123456789&language=de"`,
			draft: `googleapis_get_maps_geocode_json GET https://maps.googleapis.com/maps/api/geocode/json?address=1600+Amphitheatre+Parkway&key={{secret.key}}&language=de none`},
		{name: "Azure function", command: `curl -X POST "https://myapp.azurewebsites.net/api/orders?code=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%3D%3D" -H "Content-Type: application/json" -d '{"qty": 12345678901234567890, "price": 1.50, "note": "a \u0026 b"}'`,
			draft: `azurewebsites_post_orders POST https://myapp.azurewebsites.net/api/orders?code={{secret.code}} none | qty integer=12345678901234567890 | price number=1.50 | note string="a & b"`},
		{name: "Telegram", command: `curl -X POST "https://api.telegram.org/bot123456789:AAnotarealtoken0123456789abcdefghij/sendMessage" -d "chat_id=42" -d "text=hello world"`,
			draft: `telegram_post POST https://api.telegram.org/… none | form | chat_id string="42" | text string="hello world"`},
		{name: "Rewst webhook", command: `curl -X POST https://engine.rewst.io/webhooks/custom/trigger/01890a5d-ac96-774b-bcce-b302099a8057/01890a5d-ac96-774b-bcce-b302099a8058 -H "Content-Type: application/json" -d '{"user_email":"a@example.com","user_name":"A"}'`,
			draft: `rewst_post POST https://engine.rewst.io/… none | user_email string="a@example.com" | user_name string="A"`},
		{name: "Autotask", command: `curl -X POST "https://webservices5.autotask.net/atservicesrest/v1.0/Tickets" -H "ApiIntegrationCode: ABCDEFGH123" -H "UserName: api@example.com" -H "Secret: not-the-secret" -H "Content-Type: application/json" -d '{"companyID":0,"title":"Printer","status":1,"priority":2,"queueID":5}'`,
			draft: `autotask_post_atservicesrest_tickets POST https://webservices5.autotask.net/atservicesrest/v1.0/Tickets apiKey Secret | ApiIntegrationCode: ABCDEFGH123 | UserName: api@example.com | companyID integer=0 | title string="Printer" | status integer=1 | priority integer=2 | queueID integer=5`},
		{name: "HaloPSA", command: `curl https://example.halopsa.com/api/Tickets -H 'Authorization: Bearer not-a-token' -H 'Content-Type: application/json' -d '[{"summary":"Printer","details":"is on fire","tickettype_id":1}]'`,
			draft: `halopsa_post_tickets POST https://example.halopsa.com/api/Tickets bearer | [{"summary":"Printer","details":"is on fire","tickettype_id":1}]`},
		{name: "Vault", command: `curl --header "X-Vault-Token: hvs.not-a-token" --request PUT http://vault.example.com/v1/sys/seal`,
			draft: `example_put_sys_seal PUT http://vault.example.com/v1/sys/seal apiKey X-Vault-Token | none`},
		{name: "Mailchimp", command: `curl -X POST 'https://us1.api.mailchimp.com/3.0/lists/a1/members?skip_merge_validation=false' --user "anystring:${apikey}" -d '{"email_address":"a@example.com","status":"subscribed"}'`,
			variables: []string{"apikey=0123456789-us1"}, secrets: map[string]string{"auth.password": "0123456789-us1"},
			draft: `mailchimp_post_lists_members POST https://us1.api.mailchimp.com/3.0/lists/a1/members?skip_merge_validation=false basic anystring | Content-Type: application/x-www-form-urlencoded | email_address string="a@example.com" | status string="subscribed"`},
		{name: "Linear", command: `curl -X POST -H "Content-Type: application/json" -H "Authorization: lin_api_notakey" --data '{ "query": "{ issues { nodes { id title } } }" }' https://api.linear.app/graphql`,
			draft: `linear_post_graphql POST https://api.linear.app/graphql apiKey Authorization | query string="{ issues { nodes { id title } } }"`},
		{name: "Pushover", command: `curl -s -d "token=azGDORePK8gMaC0QOYAMyEEuzJnyUi&user=uQiRzpo4DXghDmr9QzzfQu27cmVRsG&message=hello%21" https://api.pushover.net/1/messages.json`,
			draft: `pushover_post_messages POST https://api.pushover.net/1/messages.json none | form | {"token":"{{secret.token}}","user":"{{user}}","message":"{{message}}"} | user string="uQiRzpo4DXghDmr9QzzfQu27cmVRsG" | message string="hello!"`},
		{name: "login", command: `curl -X POST https://api.example.com/v2/login -H 'Content-Type: application/json' -d '{"username":"svc","password":"hunter2","client_secret":"not-a-secret-really","page_token":"abcdefghijkl"}'`,
			secrets: map[string]string{"secretValues/password": "hunter2"},
			draft:   `example_post_login POST https://api.example.com/v2/login none | {"username":"{{username}}","password":"{{secret.password}}","client_secret":"{{secret.client_secret}}","page_token":"{{page_token}}"} | username string="svc" | page_token string="abcdefghijkl"`},
		{name: "variables on lines of their own", command: `# Create a ticket
export BASE="https://api.example.com/v1" KIND='a b'
TOKEN=abcdefgh-not-a-token

curl "$BASE/tickets" --json "{\"kind\": \"$KIND\", \"n\": 1}" -H "Authorization: Bearer $TOKEN"`,
			draft: `example_post_tickets POST https://api.example.com/v1/tickets bearer | Accept: application/json | kind string="a b" | n integer=1`},
		{name: "OpenAPI path", command: `curl -X GET 'https://api.example.com/v1/users/{userId}/orders' -H 'accept: application/json'`, given: request.Arguments{"userId": "userId"},
			draft: `example_get_users_orders GET https://api.example.com/v1/users/{{userId}}/orders none | accept: application/json | userId string=`},
	}
}
