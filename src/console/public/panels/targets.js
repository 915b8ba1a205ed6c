import { quantity } from '../format.js';

const words = {
  ok: 'on target',
  target_missed: 'target missed',
  critical: 'critical',
};

/** A row that is not judged says why: "no demand", "2 samples within the window". */
const standing = (row) => words[row.status] ?? row.reason?.split(/[:,]/)[0] ?? 'unknown';

export function drawTargets(root, targets) {
  root.replaceChildren(
    ...targets.map((row) => {
      const card = document.createElement('div');
      card.className = 'target';
      card.dataset.status = row.status;
      const name = document.createElement('span');
      name.textContent = row.component;
      const value = document.createElement('b');
      value.textContent = quantity(row.current_value, row.unit);
      const note = document.createElement('small');
      note.textContent = `${standing(row)} · target ${quantity(row.target, row.unit)}`;
      card.append(name, value, note);
      return card;
    }),
  );
}
