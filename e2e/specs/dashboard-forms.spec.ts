// Forms and dialogs: what is not saved is not lost, what is wrong is said where it is wrong, and buttons say what they do.
import { addCustomer, seed, SpokenAgent } from '../support/fleet';
import { expect, expectNothingFound, openSignedIn, test } from '../support/test';

test('the buttons of a question say what they do', async ({ page, server }) => {
  const { transfer, job, openRun } = await seed(server);
  await openSignedIn(page, `/transfers/${transfer}`);
  const dialog = page.getByRole('dialog');
  await page.getByRole('button', { name: 'Cancel transfer' }).click();
  await expect(dialog.getByRole('button')).toHaveText(['Keep running', 'Cancel transfer']);
  await dialog.getByRole('button', { name: 'Keep running' }).click();
  await expect(dialog).toBeHidden();
  await expect(page.getByRole('button', { name: 'Cancel transfer' })).toBeVisible();
  await page.goto(`/jobs/${job}/runs/${openRun}`);
  await page.getByRole('button', { name: 'Cancel run' }).click();
  await expect(dialog.getByRole('button')).toHaveText(['Keep running', 'Cancel run']);
});
