import { quantity } from '../format.js';

const words = {
  ok: 'on target',
  target_missed: 'target missed',
  critical: 'critical',
  unknown: 'not enough samples',
};

export function drawTargets(root, targets) {
  root.replaceChildren(
    ...targets.map((row) => {
      const card = document.createElement('div');
      card.className = 'target';
      card.dataset.status = row.status;
      const name = document.createElement('span');
      name.textContent = row.component ?? row.name ?? row.id;
      const value = document.createElement('b');
      value.textContent = quantity(row.current_value ?? row.current, row.unit);
      const note = document.createElement('small');
      note.textContent = `${words[row.status] ?? row.status} · target ${quantity(row.target, row.unit)}`;
      card.append(name, value, note);
      return card;
    }),
  );
}
