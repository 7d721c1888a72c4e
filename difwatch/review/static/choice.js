/** @file Which pictures of a group stay, and which two are looked at. Knows nothing of the page. */

/**
 * @typedef {{ref: string, path: string, name: string, folder: string, width: number, height: number, bytes: number,
 *   modified: string, seen: string, format: string, frames: number, bits: number, camera: ?string, lens: ?string,
 *   taken: ?string, hasPlace: boolean, orientation: number, quality: ?number, links: string[], isReference: boolean,
 *   along: string[], level: ?string, mse: ?number, nmse: ?number, turn: number, isMirrored: boolean, isShot: boolean,
 *   stays: ?string}} Picture
 * @typedef {{key: string, decision: ?string, going: string[], why: {rule: string, decides: boolean, best: string,
 *   other: string}[], pictures: Picture[]}} Group
 */

export class Choice {
  /** @param {Group} group */
  constructor(group) {
    this.group = group;
    this.pictures = group.pictures;
    const going = new Set(group.going);
    this.goes = this.pictures.map((picture) => going.has(picture.ref));
    this.keeper = Math.max(0, this.goes.indexOf(false));
    this.goes[this.keeper] = false;
    this.candidate = Math.max(this.goes.indexOf(true), this.keeper ? 0 : 1);
  }

  get kept() { return this.pictures[this.keeper]; }

  get other() { return this.pictures[this.candidate]; }

  /** @returns {string[]} */
  get going() { return this.pictures.filter((_, at) => this.goes[at]).map((picture) => picture.ref); }

  /** @returns {string[]} */
  get seen() { return this.pictures.map((picture) => picture.ref); }

  /** How the two that are looked at are alike; null where it must be asked, as neither is the best one. */
  get pair() {
    if (this.keeper === 0) return this.other;
    return this.candidate === 0 ? this.kept : null;
  }

  /** Looks at another one; the one to keep is passed over. @param {number} by */
  step(by) {
    const n = this.pictures.length;
    const next = (this.candidate + by + n) % n;
    this.candidate = next === this.keeper ? (next + by + n) % n : next;
  }

  /**
   * Makes a picture the one to keep. If it was to go, it changes places with the one kept so far,
   * unless that one may not go.
   * @param {number} at
   */
  keep(at) {
    if (at === this.keeper || !this.pictures[at]) return;
    const before = this.keeper;
    if (this.goes[at] && !this.kept.stays) this.goes[before] = true;
    this.goes[at] = false;
    this.keeper = at;
    if (this.candidate === at) this.candidate = before;
  }

  /** Lets the candidate go or stay. @returns {?string} why it may not go */
  toggle() {
    if (!this.goes[this.candidate] && this.other.stays) return this.other.stays;
    this.goes[this.candidate] = !this.goes[this.candidate];
    return null;
  }
}
