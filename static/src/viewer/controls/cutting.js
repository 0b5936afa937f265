/**
 * A button that reads the active series as a volume, and goes back from there.
 * @param {import('../viewer.js').Viewer} viewer
 * @param {object} entry of the toolbar, without what it runs; its `state` is asked while the session is not open
 * @param {() => Promise<typeof import('../volume/cut_session.js').CutSession>} load fetched when it is first asked for
 * @returns {() => import('../volume/cut_session.js').CutSession|null} the session, once there was one
 */
export function addCutting(viewer, entry, load) {
  const { toolbar, panes } = viewer;
  let session = null;
  const isOpen = () => Boolean(session?.isOpen);
  const run = async () => {
    if (isOpen()) await session.close();
    else {
      session ??= new (await load())(viewer);
      await session.open((await viewer.reading).memory);
    }
    toolbar.refresh();
  };
  const state = () => ({ ...(isOpen() ? {} : entry.state()), pressed: isOpen() });
  toolbar.add({ ...entry, group: 'volume', run, state });
  // Whoever opens another series or grid over the cuts has left them.
  panes.addEventListener('opened', () => isOpen() && !panes.all.some((pane) => pane.volume) && session.leave());
  return () => session;
}
