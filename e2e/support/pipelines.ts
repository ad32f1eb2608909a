// Pipelines made over REST, and the parts of their pages that several tests look at.
import type { Locator, Page } from '@playwright/test';
import type { Server } from './server';

/** Makes a pipeline over REST, of the only customer if there is one; its id. */
export async function addPipeline(server: Server, name: string, yaml: string): Promise<string> {
  const headers = { authorization: `Bearer ${await server.token()}` };
  const { customers } = await server.ask('{ customers { nodes { id name } } }', {}, headers);
  const owner = customers.nodes.find((customer: { name: string }) => customer.name.startsWith('Customer of '));
  const identifier = name.toLowerCase().replaceAll(' ', '-');
  const body = { identifier, name, yaml, ...(owner && { customerId: owner.id }) };
  return (await server.send('POST', '/api/pipelines', body, headers)).pipeline.id;
}

export function definition(page: Page): Locator {
  return page.getByRole('textbox', { name: 'Definition' });
}

/** Puts a long text in place of all, with one event: `fill` types it, with two events for each line. */
export async function paste(page: Page, text: string): Promise<void> {
  await definition(page).evaluate((area, text) => {
    (area as HTMLTextAreaElement).value = text;
    area.dispatchEvent(new InputEvent('input', { bubbles: true, inputType: 'insertFromPaste' }));
  }, text);
}

/** The steps on the graph. */
export function steps(page: Page): Locator {
  return page.getByRole('group', { name: 'Steps' }).getByRole('button');
}

export function step(page: Page, id: string): Locator {
  return page.getByRole('group', { name: 'Steps' }).getByRole('button', { name: new RegExp(`^${id}: `) });
}

/** The line of a step in the table of a run. */
export function line(page: Page, id: string): Locator {
  return page.getByRole('table', { name: 'Steps' }).getByRole('row').filter({ hasText: id });
}

/** The line, from 1, in which the caret is. */
export function caretLine(page: Page): Promise<number> {
  return definition(page).evaluate((element) => {
    const area = element as HTMLTextAreaElement;
    return area.value.slice(0, area.selectionStart).split('\n').length;
  });
}
