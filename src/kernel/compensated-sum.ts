/**
 * A sum that carries the rounding error of every addition along (Neumaier 1974): about twice the digits of a
 * double.
 */
export class CompensatedSum {
  private sum = 0;
  private lost = 0;

  add(x: number): void {
    const sum = this.sum + x;
    this.lost += Math.abs(this.sum) >= Math.abs(x) ? this.sum - sum + x : x - sum + this.sum;
    this.sum = sum;
  }

  get value(): number {
    // An overflowed sum has no error term: ∞ − ∞ would hide it.
    return this.sum - this.sum === 0 ? this.sum + this.lost : this.sum;
  }
}
