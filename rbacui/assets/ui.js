/*
 * Comfort only. Every page works without this file: forms post, the server answers
 * with the plan, and CSS alone marks changed rows and shows the findings of a row.
 * Nothing here decides anything.
 */

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

for (const f of $$('[data-role-form], [data-plan-form]')) planForm(f);
for (const f of $$('[data-bulk-form]')) bulkForm(f);
for (const f of $$('[data-role-form]')) guard(f, () => changed(f));
for (const f of $$('[data-unsaved]')) guard(f, () => true);
for (const b of $$('[data-no-script-only]')) b.hidden = true;
for (const b of $$('[data-print]')) {
  b.hidden = false;
  b.addEventListener('click', () => print());
}
for (const b of $$('.toast button')) {
  b.hidden = false;
  b.addEventListener('click', () => b.closest('.toast').remove());
}
for (const t of $$('time[data-local]')) localTime(t);
localDays();
for (const s of $$('[data-area-search]')) filter(s, '.area');
for (const s of $$('[data-assign-search]')) filter(s, '.check', s.parentElement);
if ($('.toast')) {
  const here = new URL(location);
  here.searchParams.delete('done');
  history.replaceState(null, '', here);
}
$('#errors')?.focus();

/*
 * A form with a plan. Choices send it with do=plan, and what comes back takes the
 * place of the plan, the sentence and the text beside the save button. An answer that
 * is overtaken is dropped; one that takes longer than 200 ms shows that it is waited
 * for.
 */
function planForm(form) {
  let timer;
  let asked;

  form.addEventListener('change', refresh);
  form.addEventListener('input', (e) => { if (e.target.matches('[data-stored-value]')) later(); });

  function later() { clearTimeout(timer); timer = setTimeout(refresh, 250); }

  async function refresh() {
    clearTimeout(timer);
    asked?.abort();
    const mine = asked = new AbortController();
    const plan = $('#plan');
    const wait = setTimeout(() => plan.setAttribute('aria-busy', 'true'), 200);
    const body = new URLSearchParams(new FormData(form));
    body.set('do', 'plan');
    body.set('part', 'plan');
    try {
      const answer = await fetch(form.action, { method: 'POST', body, signal: mine.signal });
      const html = await answer.text();
      if (asked !== mine) return;
      if (!answer.ok) throw answer;
      const part = new DOMParser().parseFromString(html, 'text/html');
      for (const selector of ['#plan', '[data-words]', '[data-save-text]']) {
        const fresh = $(selector, part);
        if (fresh) $(selector)?.replaceChildren(...fresh.childNodes);
      }
    } catch {
      if (asked === mine) $('[data-stale]', plan)?.removeAttribute('hidden');
    } finally {
      clearTimeout(wait);
      if (asked === mine) plan.removeAttribute('aria-busy');
    }
  }
}

// Who leaves a form with something unsaved is asked.
function guard(form, unsaved) {
  let leaving = false;
  form.addEventListener('submit', () => { leaving = true; });
  for (const a of $$('[data-discard]')) a.addEventListener('click', () => { leaving = true; });
  addEventListener('beforeunload', (e) => { if (!leaving && unsaved()) e.preventDefault(); });
  addEventListener('pageshow', () => { leaving = false; });
}

// Whether anything differs from what is stored.
function changed(form) {
  return $$('.seg', form).some((s) => $('[data-stored]', s) && !$('[data-stored]', s).checked)
    || $$('input[name=assign]', form).some((b) => b.checked !== (b.dataset.stored === 'on'))
    || $$('[data-stored-value]', form).some((f) => f.value !== f.dataset.storedValue);
}

/*
 * A list of people to select: how many are, and a box for all of the page. What is
 * selected is sent as the boxes say.
 */
function bulkForm(form) {
  const all = $('[data-select-all]', form);
  const count = $('[data-bulk-count]', form);
  if (!all || !count) return;
  const picks = $$('.pick[name]:not(:disabled)', form);
  all.hidden = picks.length === 0;
  all.addEventListener('change', () => { for (const p of picks) p.checked = all.checked; tell(); });
  for (const p of picks) p.addEventListener('change', tell);
  addEventListener('pageshow', tell);
  tell();

  function tell() {
    const n = picks.filter((p) => p.checked).length;
    all.checked = n > 0 && n === picks.length;
    all.indeterminate = n > 0 && n < picks.length;
    const { none, one, many } = count.dataset;
    $('b', count).textContent = n === 0 ? none : n === 1 ? one : many.replace(/%(\[1\])?s/, n);
    for (const b of $$('[data-needs-selection]', form)) b.disabled = n === 0;
  }
}

// A search in what is on the page.
function filter(search, rows, root = document) {
  search.hidden = false;
  const input = $('input', search);
  input.addEventListener('input', () => {
    const want = input.value.trim().toLowerCase();
    for (const row of $$(rows, root)) row.hidden = !row.textContent.toLowerCase().includes(want);
  });
  input.addEventListener('keydown', (e) => { if (e.key === 'Enter') e.preventDefault(); });
}

// The server writes UTC, and the title keeps it.
function localTime(t) {
  const when = new Date(t.dateTime);
  if (Number.isNaN(when.valueOf())) return;
  const how = {
    date: { dateStyle: 'long' },
    moment: { dateStyle: 'long', timeStyle: 'short' },
    clock: { timeStyle: 'short' },
  }[t.dataset.local];
  t.textContent = when.toLocaleString(locale(), how);
}

function locale() {
  const { lang } = document.documentElement;
  return lang === 'en' ? 'en-GB' : lang || undefined;
}

// The server groups events by the days of UTC. Those of the viewer take their place.
function localDays() {
  const first = $('.event-day');
  if (!first) return;
  for (const h of $$('.event-day')) h.remove();
  let day;
  for (const event of $$('.event')) {
    const when = new Date($('time', event)?.dateTime);
    if (Number.isNaN(when.valueOf())) continue;
    const its = when.toLocaleDateString(locale(), { dateStyle: 'full' });
    if (its === day) continue;
    day = its;
    const h = first.cloneNode();
    h.textContent = day;
    event.before(h);
  }
}
