import Foundation

/// log Σ exp of a row of logits, in double precision.
package func logSumExp(_ logits: UnsafePointer<Float>, count: Int) -> Double {
    var peak = -Float.infinity
    for i in 0..<count { peak = max(peak, logits[i]) }
    var sum = 0.0
    for i in 0..<count { sum += Double(exp(logits[i] - peak)) }
    return Double(peak) + log(sum)
}

/// KL(p ‖ q) = Σ p (log p − log q) of two rows of logits, with their log-sum-exps.
package func divergence(
    _ p: UnsafePointer<Float>, _ pSum: Double, _ q: UnsafePointer<Float>, _ qSum: Double, count: Int
) -> Double {
    var sum = 0.0
    let shift = Float(pSum)
    for i in 0..<count { sum += Double(exp(p[i] - shift) * (p[i] - q[i])) }
    let divergence = sum - (pSum - qSum)
    // Rounding can leave a hair below zero where the two agree. What is not a number stays so: a broken pass is not an equal one.
    return divergence < 0 ? 0 : divergence
}
