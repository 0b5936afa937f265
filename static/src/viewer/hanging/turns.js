/**
 * How an image is turned, from where its axes point on the screen: flipped first, then turned clockwise.
 * @param {number[]} across direction of its columns, y downwards
 * @param {number[]} down direction of its rows
 * @returns {{flip: boolean, rotate: 0|90|180|270}} the nearest quarter turn
 */
export function turnFromAxes(across, down) {
  const flip = across[0] * down[1] - across[1] * down[0] < 0;
  const [x, y] = flip ? across.map((part) => -part) : across;
  const quarters = Math.round(Math.atan2(y, x) / (Math.PI / 2));
  return { flip, rotate: ((quarters + 4) % 4) * 90 };
}

/** @returns {string} the same as a CSS transform, around the middle */
export function transformOf({ rotate, flip }) {
  return `translate(-50%, -50%) rotate(${rotate}deg) scaleX(${flip ? -1 : 1})`;
}
