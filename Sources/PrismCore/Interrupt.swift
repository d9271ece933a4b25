import Foundation
import Synchronization

/// Ctrl-C as a question that long work asks between steps, so that it stops at a checkpoint.
public enum Interrupt {
    private static let flag = Atomic<Bool>(false)

    /// From now on the first SIGINT or SIGTERM sets `isRequested`; a second one ends the process at once.
    public static func install() {
        for number in [SIGINT, SIGTERM] {
            signal(number) { number in
                if Interrupt.flag.exchange(true, ordering: .relaxed) { _exit(128 + number) }
            }
        }
    }

    public static var isRequested: Bool { flag.load(ordering: .relaxed) }

    /// - Throws: `PrismError.interrupted` once Ctrl-C was pressed.
    public static func check() throws {
        if isRequested { throw PrismError.interrupted }
    }
}
